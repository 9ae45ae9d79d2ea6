"""A class of twelve: two who know, two who try, four who err, four whose files went wrong."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course import CONFIG, Course, CourseError, lessons, open_course
from autograder.master import grade_id, is_test
from autograder.planted import QUIZ, Block, read_planted
from autograder.release import release

MARK = ".autograder-demo"
WRITTEN = "I measured it, and my measurements say so. (An instructor has to judge this answer.)"
Answers = dict[str, Block]


def make_class(source: Path, target: Path, lesson: str | None = None) -> tuple[Course, str]:
    """Make a fresh course folder with a released lesson and twelve submissions.

    Raises CourseError when there are no planted answers, or when `target` is not a demo's.
    """
    origin = open_course(source)
    lesson, blocks = _planted(origin, lesson)
    if target.exists() and not (target / MARK).exists():
        raise CourseError(f"{target} exists and was not made by a demo; remove it or name another --course.")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(origin.path / origin.source_directory / lesson, target / origin.source_directory / lesson)
    (target / MARK).touch()
    if (origin.path / CONFIG).exists():
        shutil.copy(origin.path / CONFIG, target)
    course = open_course(target)
    release(course, lesson)
    _submit(course, lesson, blocks)
    return course, lesson


def _planted(course: Course, lesson: str | None) -> tuple[str, list[Block]]:
    files = {name: course.path / "tests" / "planted" / f"{name}.py" for name in lessons(course)}
    found = [name for name, path in files.items() if path.is_file() and lesson in (None, name)]
    if not found:
        raise CourseError(f"No planted answers: looked for {course.path}/tests/planted/<LESSON>.py.")
    return found[0], read_planted(files[found[0]])


def _submit(course: Course, lesson: str, blocks: list[Block]) -> None:
    released = nbformat.read(course.path / course.release_directory / lesson / f"{lesson}.ipynb", 4)
    right, other = _right(blocks, 0), _right(blocks, 1)
    half = dict(list(right.items())[: len(right) // 2])
    answers = {"ada-perfect": right, "ben-other-style": other, "cleo-blank": {}, "dan-half": half}
    wrong = [b for b in blocks if not b.passes]
    for i, name in enumerate(["eve-wrong", "fay-wrong", "gus-wrong", "hal-wrong"]):
        answers[name] = right | {b.grade_id: b for b in wrong[i::4]}
    for name, chosen in answers.items():
        _hand_in(course, lesson, name, nbformat.writes(_filled(released, chosen)), chosen)
    for name, spoil in SPOILED.items():
        _hand_in(course, lesson, name, spoil(_filled(released, right)), right)


def _right(blocks: list[Block], style: int) -> Answers:
    """Return a right answer to everything, of the n-th style where there are that many."""
    styles: dict[str, list[Block]] = {}
    for block in blocks:
        if block.passes:
            styles.setdefault(block.grade_id, []).append(block)
    return {name: found[min(style, len(found) - 1)] for name, found in styles.items()}


def _filled(released: NotebookNode, answers: Answers) -> NotebookNode:
    notebook = deepcopy(released)
    for cell in notebook.cells:
        if grade_id(cell) in answers and cell.metadata.nbgrader.solution:
            cell.source = answers[grade_id(cell)].code
        elif answers and cell.cell_type == "markdown" and grade_id(cell):
            cell.source = WRITTEN
    return notebook


def _hand_in(course: Course, lesson: str, student: str, text: str | bytes, answers: Answers) -> None:
    folder = course.path / course.submitted_directory / student / lesson
    folder.mkdir(parents=True)
    data = text if isinstance(text, bytes) else text.encode()
    (folder / f"{lesson}.ipynb").write_bytes(data)
    if QUIZ in answers:
        (folder / "answers.json").write_text(json.dumps(answers[QUIZ].answers), "utf-8")


def _cut_off(notebook: NotebookNode) -> str:
    text = nbformat.writes(notebook)
    return text[: len(text) // 2]


def _endless(notebook: NotebookNode) -> str:
    cell = _exercises(notebook)[-1]
    cell.source = "while True:\n    pass\n" + cell.source
    return nbformat.writes(notebook)


def _lost_cells(notebook: NotebookNode) -> str:
    lost = [_exercises(notebook)[0], [c for c in notebook.cells if is_test(c)][-1]]
    notebook.cells = [c for c in notebook.cells if c not in lost]
    return nbformat.writes(notebook)


def _pdf(notebook: NotebookNode) -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"


def _exercises(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the answer cells in code that a test follows before the next answer."""
    marked = [c for c in notebook.cells if c.cell_type == "code" and grade_id(c)]
    return [c for c, after in pairwise(marked) if c.metadata.nbgrader.solution and is_test(after)]


SPOILED: dict[str, Callable[[NotebookNode], str | bytes]] = {
    "ida-cut-off": _cut_off,
    "jon-endless": _endless,
    "kim-lost-cells": _lost_cells,
    "lea-pdf": _pdf,
}
