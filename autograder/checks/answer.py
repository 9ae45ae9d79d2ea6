"""The student's side: do what the checker asks, until it says "end". Knows nothing that is secret.

A student may change anything here: whatever comes of it is data to the checker, or nonsense.
"""

import importlib
import os
import sys
import tempfile
import traceback
import types
from collections.abc import Iterator

from autograder.checks import graphs
from autograder.checks.forms import PLAIN, SHARED
from autograder.checks.link import DO, OWN, Link
from autograder.checks.remote import Stand, specials
from autograder.checks.wire import Wire


def about(x) -> dict:
    """Return what the checker should know of a thing that stays here."""
    iterates = isinstance(x, Iterator)
    whole = isinstance(x, types.FunctionType | types.BuiltinFunctionType | types.MethodType | type)
    way = "iter" if iterates else "call" if callable(x) else "object"
    said = {
        "class": type(x).__name__,
        "way": way,
        "has": specials(x),
        "what": "function" if whole else "object",
    }
    names = {name: getattr(x, name, None) for name in ("__name__", "__qualname__", "__doc__")}
    return said | {name: one for name, one in names.items() if isinstance(one, str | None) and whole}


class Answer:
    """This kernel's end of the conversation."""

    def __init__(self, shell, trusted: list[str]):
        self.shell, self.send, self.mark = shell, shell.kernel.raw_input, ""
        stand = Stand(lambda about: about.get("what") == "object")
        self.wire = Wire("s", PLAIN, SHARED, stand, tuple(trusted))
        self.wire.about = about
        stand.link = self.link = Link(self.wire, lambda text: self.send(self.mark + text), self.do)
        self.link.trace, self.link.let_go = self.trace, self.wire.forget
        self.jobs = DO | {"name": self.name, "patch": self.patch, "trace": graphs.trace}

    def do(self, what: str, *args, **kwargs):
        """Do one thing for the checker."""
        return self.jobs[what](*args, **kwargs)

    def name(self, name: str):
        """Return (value,) of a name of the notebook, or () if there is none."""
        space = self.shell.user_ns
        return (space[name],) if name in space else ()

    def patch(self, module: str, name: str, value) -> object:
        """Give a library's name another value, as a test has done; return the one it had."""
        module = importlib.import_module(module)
        before = getattr(module, name)
        setattr(module, name, value)
        return before

    def trace(self, error: BaseException) -> str:
        """Return the student's own frames of a traceback."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith("autograder/")]
        return f"{OWN}\n" + "".join(traceback.format_list(own)) if own else ""

    def serve(self, mark: str) -> None:
        """Answer until there is nothing more to do; `mark` stands before every message."""
        self.mark = mark
        request = self.link.exchange(self.link.text("ready"))
        while request.get("do") != "end":
            request = self.link.exchange(self.link.serve(request))


def start(shell, trusted: list[str], exchange: str) -> None:
    """Make this kernel's end; temporary files lie in `exchange`, where tests can read them."""
    sys.modules[__name__].answer = Answer(shell, trusted)
    tempfile.tempdir = os.environ["TMPDIR"] = exchange
