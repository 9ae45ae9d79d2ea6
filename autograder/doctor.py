"""`autograder doctor`: which sandbox this machine allows, and whether it holds when attacked."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Container
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from nbformat.v4 import new_code_cell, new_notebook

from autograder.executor.limits import DEFAULT
from autograder.executor.local import run
from autograder.kernels import landlock, linux, probes, warm

LIMITS = replace(DEFAULT, cell=45, total=300, cpu=2, memory=250_000_000, disk=50_000_000, processes=20)
CALLS = ("ptrace", "process_vm_readv", "mount", "unshare", "bpf", "io_uring_setup")
EVERYTHING = frozenset(probes.IN_ONE_KERNEL | probes.IN_KERNELS_OF_THEIR_OWN)
SPEC = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


class Finding(NamedTuple):
    """What was tried, whether the sandbox held, and in which words."""

    probe: str
    held: bool
    words: str


def facts(rung: str) -> dict[str, str]:
    """Return what this machine has to seal with; starts the warm process on the highest rung."""
    version = landlock.abi()
    found = {
        "system": f"{linux.SYSTEM} {os.uname().release} on {linux.MACHINE}, as user {os.getuid()}",
        "Landlock": f"version {version}" if version else "not here",
    }
    if rung == "sealed":
        zygote = warm.current()
        found["new namespaces"] = zygote.plan
        found["kernels"] = "forked from a warm process" if zygote.warm else warm.notices[-1]
    return found


def attack(kernel: Callable, chosen: Container[str] = EVERYTHING) -> list[Finding]:
    """Try to break out of kernels started by `kernel`: in every way known here, or in the ways chosen."""
    with _targets() as words:
        return asyncio.run(_attack(kernel, chosen, words))


async def _attack(kernel: Callable, chosen: Container[str], words: dict) -> list[Finding]:
    together = {n: code.format(**words) for n, code in probes.IN_ONE_KERNEL.items() if n in chosen}
    alone = {n: probe for n, probe in probes.IN_KERNELS_OF_THEIR_OWN.items() if n in chosen}
    sources = [list(together.values()), *([code.format(**words)] for code, _ in alone.values())]
    first, *others = await asyncio.gather(*(_run(kernel, [probes.HELPERS, *s]) for s in sources))
    found = [
        Finding(name, text.startswith("HELD") and "BROKEN" not in text, text)
        for name, text in zip(together, map(_said, first.notebook.cells[1:]), strict=True)
    ]
    ends = zip(alone.items(), (result.reason for result in others), strict=True)
    return found + [Finding(n, words in why, why or "it was not stopped") for (n, (_, words)), why in ends]


async def _run(kernel: Callable, sources: list[str]):
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources], metadata=SPEC)
    with TemporaryDirectory(prefix="probe-", ignore_cleanup_errors=True) as folder:
        inside = Path(folder) / "work"
        inside.mkdir()
        return await run(notebook, inside, LIMITS, kernel)


def _said(cell) -> str:
    """Return what a probe printed, or the error that kept it from printing."""
    texts = [o.text if o.output_type == "stream" else o.get("evalue", "") for o in cell.outputs]
    return " ".join(texts).strip() or "it said nothing"


@contextmanager
def _targets():
    """Things of the grader that a kernel must not reach: a file, a port, a socket, a process, a variable."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="secret-")))
        secret = folder / "solutions.txt"
        secret.write_text("the answer is 42")
        token = os.environ["GRADER_TOKEN"] = secrets.token_hex()
        stack.callback(os.environ.pop, "GRADER_TOKEN")
        network = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(str(folder / "socket"))
        local.listen()
        mail = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        mail.bind(str(folder / "mail"))
        words = {"secret": str(secret), "port": network.getsockname()[1], "pid": os.getpid(), "token": token}
        words |= {"socket": str(folder / "socket"), "mail": str(folder / "mail"), "memory": LIMITS.memory}
        yield words | {name: linux.number(name) for name in CALLS}
