"""The grader's side of a check: a second kernel runs the tests, and the grader carries its messages.

The two kernels never touch. Each speaks with the grader over Jupyter's own channel for input; whatever the
student's kernel does, the worst that arrives in the checker is data, or word that nothing came.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from time import monotonic

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.checks.lesson import Check, Tests
from autograder.checks.link import Lost
from autograder.executor.cell import Trouble, run_cell
from autograder.executor.client import CappedClient
from autograder.executor.limits import Limits
from autograder.kernels import folders
from autograder.master import grade_id

FORMS = "data records arrays generators sparse tables models keras_models legacy_models forms"
BOTH = ["wire", *FORMS.split(), "link", "remote", "graphs"]
LARGEST = 100_000_000  # characters of one answer
SHOWN = ("stream", "display_data")
COUNTED = ("error", "execute_result")
MARK = re.compile("[0-9a-f]{16}:")  # what was said to an earlier test, and comes late, is not heard
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)  # of bytes nobody else sends
END = json.dumps({"do": "end", "things": {}})
BOOT = """
import sys, types
for name in ("autograder", "autograder.checks"):
    sys.modules.setdefault(name, types.ModuleType(name)).__dict__.setdefault("__path__", [])
for name, source in sources.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name.replace(".", "/") + ".py", "exec"), vars(module))
"""
SERVE = "__import__('sys').modules['autograder.checks.answer'].answer.serve({!r})"
PREPARE = "__import__('sys').modules['autograder.checks.ask'].ask.prepare(*{!r})"


@asynccontextmanager
async def kernels(
    client: Callable,
    notebook: NotebookNode,
    folder: Path,
    limits: Limits,
    kernel: Callable,
    tests: Tests | None,
    support: Path | None,
):
    """Start a student's kernel and, where there are tests, a checker beside it; both are gone afterwards."""
    student = client(notebook)
    if tests is None:
        async with kernel(student, folder, limits):
            yield student, None
        return
    checker = Checker(student, client(new_notebook(metadata=notebook.metadata)), tests, limits)
    exchange, empty = folders.make("checks"), folders.make("checks")
    try:
        async with AsyncExitStack() as stack:
            theirs = kernel(student, folder, limits, [exchange])
            ours = kernel(checker.client, support or empty, limits, [folder, exchange])
            started = [stack.enter_async_context(one) for one in (theirs, ours)]
            failed = [e for e in await asyncio.gather(*started, return_exceptions=True) if e is not None]
            if failed:
                raise failed[0]
            await checker.start(folder, exchange)
            yield student, checker
    finally:
        for folder in (exchange, empty):
            await asyncio.to_thread(folders.remove, folder)


def _boot(module: str, *arguments) -> str:
    """Return code that gives a kernel its end of the conversation, and leaves no names behind."""
    here = files("autograder.checks")
    names = [*BOTH, module]
    sources = {f"autograder.checks.{name}": (here / f"{name}.py").read_text("utf-8") for name in names}
    call = f"sys.modules['autograder.checks.{module}'].start(get_ipython(), *{arguments!r})"
    return f"exec({BOOT + call!r}, {{'sources': {sources!r}, 'get_ipython': get_ipython}})"


class Checker:
    """Runs cells of a student's notebook, and the tests among them in a kernel of its own."""

    def __init__(self, student: CappedClient, client: CappedClient, tests: Tests, limits: Limits):
        self.student, self.client, self.tests, self.limits = student, client, tests, limits
        self.done: set[str] = set()  # the lesson's statements that the checker has run
        self.lost: str | None = None

    async def start(self, folder: Path, exchange: Path) -> None:
        """Prepare both kernels, before any code of a student runs."""
        packages = list(self.limits.packages)
        boots = [
            (self.student, _boot("answer", packages, str(exchange))),
            (self.client, _boot("ask", packages, self.tests.classes, str(folder.resolve()), str(exchange))),
        ]
        cells = [new_code_cell(code) for _, code in boots]
        runs = [
            run_cell(client, cell, "the start", self.limits.cell, self.limits, aside=True)
            for (client, _), cell in zip(boots, cells, strict=True)
        ]
        await asyncio.gather(*runs)
        errors = [o for cell in cells for o in cell.outputs if o.output_type == "error"]
        if errors:
            raise RuntimeError(f"the tests could not be prepared: {errors[0].evalue}")
        self.client.kc.allow_stdin = True

    async def run(
        self, client: CappedClient, cell: NotebookNode, name: str, seconds: float, limits: Limits
    ) -> tuple[list[Trouble], str | None]:
        """Run a cell of the student's notebook as students know it; if it is a test, check it then."""
        whole, start = cell.source, monotonic()
        cell.source = self.tests.visible.get(grade_id(cell), whole)
        try:
            found, stopped = await run_cell(client, cell, name, seconds, limits)
        finally:
            cell.source = whole
        check = self.tests.checks.get(grade_id(cell))
        if not check:
            return found, stopped
        shown = [output for output in cell.outputs if output.output_type in SHOWN]
        cell.outputs = shown
        if found:
            return found, stopped
        left = max(1.0, seconds - (monotonic() - start))
        outputs, found, stopped = await self._check(check, name, left)
        cell.outputs = shown + [output for output in outputs if output.output_type in COUNTED]
        return found, stopped

    async def _check(self, check: Check, name: str, seconds: float):
        """Run a whole test in the checker; return its outputs, what went wrong, why nothing can follow."""
        self.lost, self.waits = None, False
        self.mark = f"{secrets.token_hex(8)}:"
        self.student.kc.allow_stdin = True
        serving = asyncio.ensure_future(self._aside(self.student, SERVE.format(self.mark), name, seconds))
        relay = asyncio.ensure_future(self._relay(serving))
        prepared, test = new_code_cell(self._preparation(check)), new_code_cell(check.source)
        try:
            for cell in (prepared, test):
                found, stopped = await run_cell(
                    self.client, cell, f"the test of {name}", seconds, self.limits
                )
                if found:
                    break
        finally:
            relay.cancel()
            unheard = self.lost  # what is not said to the farewell no test has missed
            await self._end(serving)
            self.student.kc.allow_stdin = False
        served, lost = serving.result()
        said = [o.evalue for o in prepared.outputs + test.outputs if o.get("ename") == Lost.__name__]
        if not served and not found and (unheard or said):
            found = [("died", f"The kernel stopped making sense in {name}: {unheard or said[0]}.")]
        return test.outputs, served or found, lost or stopped

    async def _aside(self, client: CappedClient, code: str, name: str, seconds: float):
        return await run_cell(client, new_code_cell(code), name, seconds, self.limits, aside=True)

    def _preparation(self, check: Check) -> str:
        new = [statement for statement in check.statements if statement not in self.done]
        self.done |= set(new)
        return PREPARE.format((self.mark, new, check.fetched, check.left, check.aliases, check.patched))

    async def _relay(self, serving: asyncio.Future) -> None:
        """Carry messages from the checker to the student's kernel and back, for as long as there are any."""
        while True:
            self.client.kc.input(await self._carry(await self._said(self.client), serving))

    async def _carry(self, text: str, serving: asyncio.Future) -> str:
        if self.waits or await self._heard(serving):
            self.student.kc.input(text)
            self.waits = False
            answer = await self._heard(serving)
            if answer and len(answer) <= LARGEST:
                return answer
            self.lost = "it answered a test with too much" if answer else self.lost
        return json.dumps({"gone": self.lost})

    async def _heard(self, serving: asyncio.Future) -> str | None:
        """Return the next message of the student's kernel; None when it has stopped serving."""
        said = asyncio.ensure_future(self._said(self.student))
        try:
            await asyncio.wait({said, serving}, return_when=asyncio.FIRST_COMPLETED)
            if said.done():
                self.waits = True
                return said.result()
        finally:
            said.cancel()
        self.lost = self.lost or "it did not answer a test"
        return None

    async def _said(self, client: CappedClient) -> str:
        """Return the next message that is meant for this test."""
        while True:
            try:
                message = await client.kc.stdin_channel.get_msg(timeout=None)
                text = message["content"]["prompt"]
            except NONSENSE:
                continue
            if not isinstance(text, str):
                continue
            if text.startswith(self.mark):
                return text.removeprefix(self.mark)
            if not MARK.match(text):
                client.kc.input("\x04")  # code that asks a user for input: there is none

    async def _end(self, serving: asyncio.Future) -> None:
        """Let the student's kernel stop serving, when it has done what it was asked, or its time is up."""
        if not serving.done() and (self.waits or await self._heard(serving)):
            self.student.kc.input(END)
        await asyncio.wait({serving})
