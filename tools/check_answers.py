"""Try planted answers on the hidden tests: `python -m tools.check_answers [LESSON ...]`.

Every right answer, in each of its styles, must pass the tests; every wrong one must fail exactly those named
in its header, with the hint named there; and a blank exercise must pass none of its own. Each meets the tests
that can tell it from the model answer, see `concerned`.
"""

import ast
import contextlib
import functools
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType

import nbformat
from nbformat import NotebookNode

from autograder.checks.names import Names, names_of, parsed
from autograder.master import is_test
from autograder.planted import QUIZ, Block, read_planted
from tools.notebooks import ROOT, grade_id, lesson_names, source

BLANK = "..."


@dataclass(frozen=True)
class Verdict:
    """What the tests said of one planted answer: `failed` maps a test's grade id to its message."""

    block: Block
    failed: dict[str, str]

    @property
    def problem(self) -> str:
        """What is wrong with the tests (or with the planted answer), or nothing."""
        expected = set(self.block.fails)
        if set(self.failed) != expected:
            return f"should fail {sorted(expected) or 'nothing'}, fails {self.failed or 'nothing'}"
        if expected and not any(self.block.hint in message for message in self.failed.values()):
            return f"no message says {self.block.hint!r}: {self.failed}"
        return ""


def main(names: list[str]) -> int:
    """Print the table; returns 1 if any answer was judged wrongly."""
    wrong = 0
    for lesson in names or lessons_with_answers():
        print(lesson)
        for verdict in verdicts(lesson):
            wrong += bool(verdict.problem)
            outcome = verdict.problem or ("refused" if verdict.failed else "accepted")
            name = f"{verdict.block.grade_id:22} {verdict.block.name:40}"
            print(f"  {'NO ' if verdict.problem else 'ok '} {name} {outcome}")
    return 1 if wrong else 0


def lessons_with_answers() -> list[str]:
    """The lessons for which answers are planted."""
    return [name for name in lesson_names() if planted(name).exists()]


def planted(lesson: str) -> Path:
    """The file of planted answers of a lesson."""
    return ROOT / "tests" / "planted" / f"{lesson}.py"


def verdicts(lesson: str) -> Iterator[Verdict]:
    """Run the lesson's source notebook once in this process, then its tests against each planted answer."""
    blocks = read_planted(planted(lesson))
    cells = [c for c in nbformat.read(source(lesson), as_version=4).cells if c.cell_type == "code"]
    with _empty_folder():
        right = next(b.code for b in blocks if b.grade_id == QUIZ and not b.fails)
        world = without_tests(run_lesson(cells, right), cells)
        tests = [c for c in cells if is_test(c)]
        for block in [*blocks, *_blanks(cells, tests)]:
            _answer(block.code if block.grade_id == QUIZ else right)
            told = [test for test in tests if grade_id(test) in concerned(block, tests, world)]
            yield Verdict(block, run_tests(told, _with(block, world)))


def concerned(block: Block, tests: list[NotebookNode], world: dict) -> set[str]:
    """The tests that an answer can change, by the names they load, and those that bind what these need."""
    if block.grade_id == QUIZ:
        return {grade_id(test) for test in tests if _is_quiz(test)} | set(block.fails)
    answer = _names(block.code)
    # What it binds, and what it may change in place.
    touched = answer.binds | {name for name in answer.loads if not _is_constant(world.get(name))}
    names = {grade_id(test): _names(test.source) for test in tests}
    chosen = set(block.fails)
    for name, of_test in names.items():  # onward: what a test that sees the answer binds, others may see
        if name in chosen or touched & set(of_test.loads):
            chosen.add(name)
            touched |= of_test.binds
    needed: set[str] = set()
    for name, of_test in reversed(names.items()):  # back: what they need of earlier tests
        if name in chosen or needed & of_test.binds - world.keys():
            chosen.add(name)
            needed |= set(of_test.loads)
    return chosen


def _is_constant(value) -> bool:
    return value is None or isinstance(value, ModuleType | FunctionType | type | int | float | str)


def _is_quiz(test: NotebookNode) -> bool:
    return grade_id(test).startswith("test_quiz")


def run_lesson(cells: list[NotebookNode], answers: str) -> dict:
    """Execute the cells in order, as a kernel would, with the questions answered; returns their names."""
    _answer(answers)
    world: dict = {"__name__": "__main__"}
    for cell in cells:
        failing = "raises-exception" in cell.metadata.get("tags", []) and not grade_id(cell)  # on purpose
        with contextlib.suppress(Exception) if failing else contextlib.nullcontext():
            _execute(cell.source, world)
    return world


def without_tests(world: dict, cells: list[NotebookNode]) -> dict:
    """The names of a run, but for those that tests alone bind: a failing test may not come to them."""
    tests = set().union(*(_bound(c) for c in cells if is_test(c)))
    others = set().union(*(_bound(c) for c in cells if not is_test(c)))
    return {name: value for name, value in world.items() if name in others or name not in tests}


def _bound(cell: NotebookNode) -> set[str]:
    return set(_names(cell.source).binds)


@functools.cache
def _names(code: str) -> Names:
    return names_of(ast.Module(parsed(code), []))


def run_tests(tests: list[NotebookNode], world: dict) -> dict[str, str]:
    """The tests that fail in this world, each with its message."""
    failed = {}
    for test in tests:
        try:
            _execute(test.source, world)
        except Exception as error:
            failed[grade_id(test)] = f"{type(error).__name__}: {error}"
    return failed


def _with(block: Block, world: dict) -> dict:
    world = dict(world)
    if block.grade_id != QUIZ:
        _execute(block.code, world)
    return world


def _answer(quiz_block: str) -> None:
    Path("answers.json").write_text(json.dumps(ast.literal_eval(quiz_block)))


def _execute(code: str, world: dict) -> None:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, "<cell>", "exec"), world)


def _blanks(cells: list[NotebookNode], tests: list[NotebookNode]) -> Iterator[Block]:
    """Each exercise left blank fails all the tests that stand between it and the next exercise."""
    current = None
    owed: dict[str, list[str]] = {}
    stubs: dict[str, str] = {}
    for cell in cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("solution"):
            current = grade_id(cell)
            stubs[current] = blanked(cell.source)
        elif meta.get("grade") and current and not _is_quiz(cell):
            owed.setdefault(current, []).append(grade_id(cell))
    for name, code in stubs.items():
        if name in owed:
            yield Block(name, "(blank)", code, tuple(owed[name]), "")


def blanked(code: str) -> str:
    """A solution cell as a student first sees it."""
    lines, inside = [], False
    for line in code.splitlines():
        if "### BEGIN SOLUTION" in line:
            inside = True
            lines.append(line.split("###")[0] + BLANK)
        elif "### END SOLUTION" in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


@contextlib.contextmanager
def _empty_folder() -> Iterator[None]:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MPLBACKEND"] = "Agg"
        try:
            yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
