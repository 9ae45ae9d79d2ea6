"""Check the notebooks: `python -m tools.check` prints what is wrong, and exits 1 if anything is.

solutions/ must be stripped, with unique and stable ids; lessons/ must be what nbgrader makes of it today,
without outputs, solutions, hidden tests or answer files.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course import open_course
from autograder.release import release
from tools.notebooks import ROOT, SOLUTIONS, grade_id, lesson_names, released, source, stripped, text
from tools.release import tidy, worked_on

REGIONS = [
    ("### BEGIN SOLUTION", "### END SOLUTION"),
    ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"),
]


def main() -> int:
    """Run every check; returns the exit code."""
    problems = [problem for check in CHECKS for problem in check()]
    print(
        "\n".join(problems) or f"{len(lesson_names())} lessons: stripped, in sync, ids unique, nothing leaks."
    )
    return 1 if problems else 0


def stripped_sources() -> Iterator[str]:
    """Sources hold no outputs, and their cells the ids that stripping gives them."""
    for lesson in lesson_names():
        path = source(lesson)
        if text(stripped(read(path))) != path.read_text("utf-8"):
            yield f"solutions/{lesson}: not stripped. Run `make format`."


def unique_ids() -> Iterator[str]:
    """Cell ids and grade ids are unique in a lesson."""
    for lesson in lesson_names():
        # As JSON: nbformat gives doubled cells new ids while it reads.
        cells = nbformat.from_dict(json.loads(source(lesson).read_text("utf-8"))).cells
        for kind, ids in [
            ("cell", [c["id"] for c in cells]),
            ("grade", [*filter(None, map(grade_id, cells))]),
        ]:
            twice = [name for name, times in Counter(ids).items() if times > 1]
            if twice:
                yield f"solutions/{lesson}: {kind} id used twice: {', '.join(twice)}."


def sound_tests() -> Iterator[str]:
    """Every test is locked, has points and hidden tests; every solution region is closed."""
    for lesson in lesson_names():
        for cell in read(source(lesson)).cells:
            meta = cell.metadata.get("nbgrader", {})
            where = f"solutions/{lesson}: cell {cell['id']}"
            if meta.get("grade") and not meta.get("points", 0) > 0:
                yield f"{where} is graded but has no points."
            if (
                meta.get("grade")
                and not meta["solution"]
                and not (meta["locked"] and REGIONS[1][0] in cell.source)
            ):
                yield f"{where} is a test and must be locked and hold a hidden test."
            for begin, end in REGIONS:
                if cell.source.count(begin) != cell.source.count(end):
                    yield f"{where} opens '{begin}' and does not close it."


def no_answer_files() -> Iterator[str]:
    """No answers.json in solutions/ (it would replace every student's), nothing but notebooks in lessons/."""
    for path in SOLUTIONS.rglob("answers.json"):
        yield f"{path.relative_to(ROOT)} must go: it would overwrite every student's answers at grading."
    listed = subprocess.run(["git", "ls-files", "lessons"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if not any(name == str(released(lesson).relative_to(ROOT)) for lesson in lesson_names()):
            yield f"{name} is committed but is not a generated notebook."


def in_sync() -> Iterator[str]:
    """The committed lessons are, byte for byte, what nbgrader generates from solutions/ now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
        for lesson in lesson_names():
            theirs = committed(lesson)
            if theirs is None:
                yield f"lessons/{lesson}: missing. Run `make release`."
            elif theirs != released(lesson, fresh).read_text("utf-8"):
                yield f"lessons/{lesson}: differs from what solutions/{lesson} gives. Run `make release`."


def generate(course: Path) -> Path:
    """Release every lesson in a throw-away course folder; returns its lessons folder."""
    shutil.copytree(SOLUTIONS, course / "solutions", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / "nbgrader_config.py", course)
    for lesson in lesson_names():
        release(open_course(course), lesson)
        tidy(released(lesson, course / "lessons"))
    return course / "lessons"


def committed(lesson: str) -> str | None:
    """The released notebook; where somebody has worked in it since, the one that git holds."""
    path = released(lesson)
    if path.exists() and not worked_on(path, source(lesson)):
        return path.read_text("utf-8")
    shown = subprocess.run(["git", "show", f":{path.relative_to(ROOT)}"], cwd=ROOT, capture_output=True)
    return shown.stdout.decode("utf-8") if shown.returncode == 0 else None


def no_leak() -> Iterator[str]:
    """No line of a solution or of a hidden test occurs in a released notebook."""
    for lesson in lesson_names():
        published = committed(lesson)
        if published is None:
            continue
        given = {line for cell in nbformat.reads(published, 4).cells for line in lines(cell)}
        cells = read(source(lesson)).cells
        # What is told anyway is no secret.
        told = {line for cell in cells for line in lines(cell, secret=False)}
        for cell in cells:
            for line in lines(cell, secret=True):
                if line in given - told:
                    yield f"lessons/{lesson}: shows a hidden line of cell {cell['id']}: {line!r}"


def lines(cell: NotebookNode, secret: bool | None = None) -> Iterator[str]:
    """The lines of a cell; only those students never see, or only the others, if `secret` says so.

    Secret are the solution and hidden-test regions, and the whole of a written answer.
    """
    written = cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution", False)
    inside = False
    for line in map(str.strip, cell.source.splitlines()):
        if any(line == marker for region in REGIONS for marker in region):
            inside = not inside
        elif line.strip(" )]},") and secret in (None, inside or written):
            yield line


def read(path: Path) -> NotebookNode:
    """Read a notebook of the course."""
    return nbformat.read(path, as_version=4)


CHECKS = [stripped_sources, unique_ids, sound_tests, no_answer_files, in_sync, no_leak]

if __name__ == "__main__":
    sys.exit(main())
