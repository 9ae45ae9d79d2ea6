"""Which kernel students' code gets: the safest that this machine allows."""

from collections.abc import Callable
from typing import NamedTuple

from autograder.executor.kernel import bubble, plain, sealed
from autograder.kernels import bwrap
from autograder.kernels.seal import possible


class NoSandbox(Exception):
    """Why students' code cannot be run safely here, and what to say to run it all the same."""


class Rung(NamedTuple):
    """One way to run students' code: its name, a sentence for the instructor, how to start a kernel."""

    name: str
    words: str
    kernel: Callable


SEALED = Rung("sealed", "Students' code runs sealed: its own folder, no network, limits.", sealed)
BUBBLE = Rung("bubblewrap", "Students' code runs in bubblewrap, from a cold start each.", bubble)
PLAIN = Rung("unsandboxed", "UNSANDBOXED: students' code runs as you and may do all that you may.", plain)


def choose(unsandboxed: bool = False) -> Rung:
    """Return the highest rung of the ladder that holds; `unsandboxed` asks for the lowest.

    Raises NoSandbox when only the lowest is left and nobody asked for it.
    """
    if unsandboxed:
        return PLAIN
    if not (no_seal := possible()):
        return SEALED
    if not (no_bubble := bwrap.possible()):
        return BUBBLE
    raise NoSandbox(
        f"Nothing here can seal students' code: {no_seal}, and {no_bubble}. "
        "To run it all the same, as you and with all your rights, say --unsandboxed."
    )
