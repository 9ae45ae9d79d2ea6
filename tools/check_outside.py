"""Try planted answers as the autograder does: `python -m tools.check_outside LESSON[:WORD] ...`.

Like `tools.check_answers`, but the verdicts are those of the checker: a test that cannot work from outside
a student's process shows here. One pair of kernels tries all answers of a lesson, each with the tests of its
own exercise and those that it should fail; with a WORD, only the answers whose names have it.
"""

import ast
import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from autograder import settings
from autograder.checks.checker import Checker, kernels
from autograder.checks.lesson import tests_of
from autograder.course import open_course
from autograder.executor.cell import run_cell
from autograder.executor.client import CappedClient
from autograder.executor.kernel import sealed
from autograder.executor.local import OPTIONS
from autograder.master import Master, grade_id, is_test
from autograder.planted import QUIZ, Block, read_planted
from tools.check_answers import Verdict, blanked, planted
from tools.notebooks import ROOT, source

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS\n?", re.DOTALL)


def main(names: list[str]) -> int:
    """Print the table; returns 1 if any answer was judged wrongly."""
    return int(any([asyncio.run(_try(name)) for name in names]))


async def _try(name: str) -> int:
    lesson, _, word = name.partition(":")
    wrong = 0
    async for verdict in verdicts(lesson, word):
        wrong += bool(verdict.problem)
        outcome = verdict.problem or ("refused" if verdict.failed else "accepted")
        name = f"{verdict.block.grade_id:22} {verdict.block.name:40}"
        print(f"  {'NO ' if verdict.problem else 'ok '} {name} {outcome}", flush=True)
    return wrong


async def verdicts(lesson: str, word: str = "") -> AsyncIterator[Verdict]:
    """Run the lesson's source notebook once, then the tests that concern each planted answer."""
    cells = [c for c in nbformat.read(source(lesson), as_version=4).cells if c.cell_type == "code"]
    blocks = read_planted(planted(lesson))
    right = next(b.code for b in blocks if b.grade_id == QUIZ and not b.fails)
    limits = replace(settings.limits(open_course(ROOT), lesson), total=7200, cpu=7200)
    notebook = new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    with TemporaryDirectory() as folder:
        _answer(folder, right)
        client = lambda nb: CappedClient(nb, limits.output, iopub_timeout=60, **OPTIONS)  # noqa: E731
        started = kernels(
            client, notebook, Path(folder), limits, sealed, tests_of(_master(lesson, cells)), None
        )
        async with started as (student, checker):
            for cell in cells:
                trouble, _ = await checker.run(student, cell, grade_id(cell) or "a cell", 600, limits)
                if trouble:
                    raise RuntimeError(f"{cell.source[:60]!r}: {trouble}")
            for block in (b for b in blocks if word in f"{b.grade_id} {b.name}"):
                _answer(folder, block.code if block.grade_id == QUIZ else right)
                yield Verdict(block, await _failed(checker, cells, block, right))


async def _failed(checker: Checker, cells: list, block: Block, right: str) -> dict[str, str]:
    """Return the tests that refuse a planted answer, each with its message."""
    before = [c for c in cells if grade_id(c) == block.grade_id]
    await _run(checker, block.code if block.grade_id != QUIZ else "None")
    failed = {}
    for test in _concerned(cells, block):
        trouble, _ = await checker.run(checker.student, test, grade_id(test), 600, checker.limits)
        if trouble:
            raise RuntimeError(f"{block.name}: {trouble}")
        if errors := [o for o in test.outputs if o.output_type == "error"]:
            failed[grade_id(test)] = f"{errors[0].ename}: {errors[0].evalue}"
    for cell in before:
        await _run(checker, cell.source)
    return failed


async def _run(checker: Checker, code: str) -> None:
    await run_cell(checker.student, new_code_cell(code), "an answer", 600, checker.limits)


def _concerned(cells: list, block: Block) -> list:
    """Return the tests between an exercise and the next one, and those that the answer should fail."""
    if block.grade_id == QUIZ:
        return [c for c in cells if is_test(c) and grade_id(c).startswith("test_quiz")]
    found, inside = [], False
    for cell in cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            inside = grade_id(cell) == block.grade_id
        elif is_test(cell) and (grade_id(cell) in block.fails or inside and "quiz" not in grade_id(cell)):
            found.append(cell)
    return found


def _master(lesson: str, cells: list) -> Master:
    graded = [c for c in cells if grade_id(c)]
    return Master(lesson, graded, {grade_id(c): _given(c.source) for c in graded}, {}, cells)


def _given(code: str) -> str:
    """Return a cell as students are given it."""
    return blanked(HIDDEN.sub("", code))


def _answer(folder: str, quiz_block: str) -> None:
    (Path(folder) / "answers.json").write_text(json.dumps(ast.literal_eval(quiz_block)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
