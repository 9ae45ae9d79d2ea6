"""Make the students' notebooks from the instructor's: `python -m tools.release [LESSON ...]`.

nbgrader's own `generate_assignment` does the work, and enters each lesson into gradebook.db.
Whatever somebody wrote in lessons/ meanwhile is kept beside the new notebook.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from autograder.course import CourseError, open_course
from autograder.release import release
from tools.notebooks import LESSONS, ROOT, grade_id, lesson_names, released, source, stripped, text


def main(names: list[str]) -> int:
    """Release the named lessons, or all; returns the exit code."""
    unknown = set(names) - set(lesson_names())
    if unknown:
        print(f"There is no lesson {', '.join(sorted(unknown))}. Known: {', '.join(lesson_names())}.")
        return 1
    try:
        for lesson in names or lesson_names():
            release_over(lesson)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def release_over(lesson: str) -> None:
    """Release one lesson; what was in its folder before, and is not generated, stays there."""
    folder = LESSONS / lesson
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".release-") as aside:
        before = Path(aside) / lesson
        if folder.exists():
            shutil.copytree(folder, before)
        try:
            release(open_course(ROOT), lesson)
            tidy(released(lesson))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            if before.exists():
                shutil.copytree(before, folder)
            raise
        _bring_back(before, folder, lesson)
    print(f"released {lesson}")


def tidy(path: Path) -> None:
    """Strip a generated notebook, so that the same source gives the same file."""
    path.write_text(text(stripped(nbformat.read(path, as_version=4))), "utf-8")


def _bring_back(before: Path, folder: Path, lesson: str) -> None:
    old = before / f"{lesson}.ipynb"
    if old.exists() and worked_on(old, source(lesson)):
        mine = folder / f"{lesson}.mine-{time.strftime('%Y%m%d-%H%M%S')}.ipynb"
        shutil.copy2(old, mine)
        print(f"kept the work found in lessons/{lesson} as {mine.name}")
    for path in before.rglob("*"):
        target = folder / path.relative_to(before)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def worked_on(path: Path, master: Path) -> bool:
    """Whether somebody ran or wrote something in a released notebook; unreadable counts as work."""
    try:
        cells = nbformat.read(path, as_version=4).cells
        known = {cell["id"] for cell in nbformat.read(master, as_version=4).cells}
    except Exception:
        return True
    return any(cell.get("outputs") or cell.get("id") not in known or _answered(cell) for cell in cells)


def _answered(cell: nbformat.NotebookNode) -> bool:
    stubs = ("# YOUR CODE HERE\n", "*Write your answer here.*")
    solution = grade_id(cell) and cell.metadata.nbgrader.get("solution")
    return bool(solution) and not any(stub in cell.source for stub in stubs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
