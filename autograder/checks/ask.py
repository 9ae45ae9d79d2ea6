"""The checker's side: a test's names, and what a student's code may ask of a test."""

import gc
import os
import sys
import tempfile
import types

from autograder.checks import graphs
from autograder.checks.forms import PLAIN, SHARED
from autograder.checks.link import DO, SPECIAL, Link
from autograder.checks.remote import Remote, Stand
from autograder.checks.wire import Wire

LASTING = (types.ModuleType, types.FunctionType, type)  # what an alias of the lesson's may stand for
PATIENT = 16  # things kept before the table is searched for unused ones


class Ask:
    """This kernel's end: runs tests with the student's functions as stand-ins."""

    def __init__(self, shell, trusted: list[str], classes: list[str]):
        self.shell, self.classes = shell, set(classes)
        stand = Stand(self.opened)
        self.wire = Wire("c", PLAIN, SHARED, stand, tuple(trusted))
        self.wire.about, self.wire.beyond = self.about, self.beyond
        send, self.mark = shell.kernel.raw_input, ""
        self.link = Link(self.wire, lambda text: send(self.mark + text), self.may)
        self.link.gone = self.unused
        stand.link = self
        self.fetched: set[str] = set()
        self.gone: list[str] = []
        self.originals: dict[tuple[types.ModuleType, str], object] = {}

    def opened(self, about: dict) -> bool:
        """Whether an object's inside may be looked at: the lesson must have asked for its class."""
        whole = about.get("what") == "function"
        return about.get("class") in self.classes or (whole and about.get("__name__") in self.classes)

    def about(self, x) -> dict:
        """Return what a student's code may know of a thing of a test: how to use it, and not its name."""
        has = [
            name
            for name in ("__call__", "__iter__", "__next__", "__len__", "__getitem__")
            if hasattr(type(x), name)
        ]
        return {"what": "object" if _of_a_test(x) else "function", "way": "call", "has": has}

    def beyond(self, record, name: str):
        """Return a property or a method of a record, if the lesson has asked for its class."""
        kind = type(record).__name__
        if name.startswith("_") or kind not in self.classes:
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
        return self.ask("getattr", record, name)

    def may(self, do: str, thing, *args, **kwargs):
        """Do what a student's code asks of a thing that a test handed over: call it, and little else.

        A function's globals, a generator's frame, a class's subclasses would lead to the tests.
        """
        if id(thing) not in self.wire.numbers:
            raise PermissionError("a test has handed over no such thing")
        iterates = do in ("iter", "next") and isinstance(thing, types.GeneratorType | map | zip | filter)
        attribute = do in ("getattr", "setattr") and not str(args[0]).startswith("_")
        attribute = attribute and not (do == "setattr" and hasattr(type(thing), args[0]))
        if do == "call" or iterates or (_of_a_test(thing) and (attribute or do in SPECIAL)):
            return DO[do](thing, *args, **kwargs)
        raise PermissionError(f"{do!r} is nothing that may be asked of this")

    def unused(self) -> list[str]:
        """Return the shared things that both sides may forget."""
        gone, self.gone = self.gone, []
        return gone + (self.wire.unused() if len(self.wire.things) > PATIENT else [])

    def ask(self, do: str, *args, **kwargs):
        """Ask the student's kernel; what a test has patched in a library is patched there meanwhile."""
        patches = [(m, n, now) for (m, n), was in self.originals.items() if (now := getattr(m, n)) is not was]
        if do == "call" and graphs.in_graph():
            return graphs.call(self.ask, args[0], args[1:])
        if do != "call" or not patches:
            return self.link.ask(do, *args, **kwargs)
        before = [(m.__name__, n, self.link.ask("patch", m.__name__, n, now)) for m, n, now in patches]
        try:
            return self.link.ask(do, *args, **kwargs)
        finally:
            for one in before:
                self.link.ask("patch", *one)

    def prepare(
        self,
        mark: str,
        statements: list[str],
        names: list[str],
        left: list[str],
        aliases: list[str],
        patches: list,
    ) -> None:
        """Bring the namespace up to date: run the lesson's own statements, fetch names from the student.

        `mark` stands before every message from now on.
        """
        space, self.mark = self.shell.user_ns, mark
        self.gone += self.wire.collected()
        for statement in statements:
            try:
                exec(compile(statement, "<lesson>", "exec"), space)
            except Exception as error:  # the test will say what it lacks
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
        graphs.without_xla()
        gc.freeze()  # what was imported stays: a collection need not look at it
        wanted = [name for name in left if name not in space]
        wanted += [name for name in aliases if not isinstance(space.get(name), LASTING)]
        for name in [*names, *wanted]:
            self.fetch(name)
        found = [(space[name], one) for name, one in patches if isinstance(space.get(name), types.ModuleType)]
        self.originals = {
            (module, one): getattr(module, one) for module, one in found if hasattr(module, one)
        }

    def fetch(self, name: str) -> None:
        """Give a name the value that it has in the student's notebook."""
        space = self.shell.user_ns
        found = self.link.ask("name", name)
        if found:
            space[name] = found[0]
            self.fetched.add(name)
        elif name in self.fetched:
            space.pop(name, None)


def _of_a_test(x) -> bool:
    """Whether this is an instance of a class that a test has defined."""
    return type(x).__module__ == "__main__" and not isinstance(x, type | types.FunctionType | Remote)


def start(shell, trusted: list[str], classes: list[str], folder: str, exchange: str) -> None:
    """Make this kernel's end, in the student's folder, but importing nothing that lies there."""
    sys.modules[__name__].ask = Ask(shell, trusted, classes)
    own = os.getcwd()
    sys.path[:] = [own if place in ("", own) else place for place in sys.path]
    os.chdir(folder)
    tempfile.tempdir = os.environ["TMPDIR"] = (
        exchange  # what a test writes there, a student's function may read
    )
