"""A student's way through lesson 01 in a real JupyterLab: run, drag, choose, write code, hand in."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from autograder.planted import read_planted

ROOT = Path(__file__).parents[2]
LESSON = "01_spare_weights"
RIGHT = {}
for block in read_planted(ROOT / "tests" / "planted" / f"{LESSON}.py"):
    if not block.fails:
        RIGHT.setdefault(block.grade_id, block.code)


@pytest.fixture
def lesson(lab):
    """The released lesson, with the course's nbgrader settings, opened and not yet run."""
    lab.copy(ROOT / "lessons" / LESSON)
    shutil.copy(
        ROOT / "nbgrader_config.py", lab.server.root
    )  # where `make lab` starts it, this file lies too
    return lab


def write_answers(path: Path) -> None:
    """Write something right into every answer cell of a notebook on disk, as a student who knows does."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in RIGHT and cell.metadata.nbgrader.solution:
            cell.source = RIGHT[name]
        elif name == "explain":
            cell.source = "It is right about the zeros, not about the file, and not about the speed."
    nbformat.write(notebook, path)


def test_a_fresh_lesson_runs_to_its_end_and_says_what_is_missing(lesson):
    lesson.open(f"{LESSON}.ipynb")
    lesson.run_all(timeout=240)
    page = lesson.page
    assert None not in lesson.counts(), "Run All should reach the end of a lesson nobody has worked on"
    lesson.screenshot("lesson-01-fresh")

    slider = page.get_by_role("slider", name="Threshold")
    slider.scroll_into_view_if_needed()
    removed = page.locator("dd", has_text="of 50,200 weights")
    before = removed.inner_text()
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(removed).not_to_have_text(before)
    moved = removed.inner_text()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    expect(removed).not_to_have_text(moved)
    page.locator(".cw-note").first.scroll_into_view_if_needed()
    lesson.screenshot("lesson-01-histogram")

    assert "sparsity(small) returned None. Replace the `...`" in page.locator("body").inner_text()
    answer = lesson.validate()
    assert "The following" in answer and "returned None" in answer
    lesson.screenshot("lesson-01-validate-fresh")


def test_answers_questions_and_validate_lead_to_success(lesson):
    write_answers(lesson.folder / f"{LESSON}.ipynb")
    lesson.open(f"{LESSON}.ipynb")
    lesson.run_all(timeout=240)
    page = lesson.page
    for text in ("50,610, as before", "only zipped", "fewer than 10 times"):
        option = page.get_by_role("radio", name=text)
        option.scroll_into_view_if_needed()
        option.check()
    expect(page.get_by_role("status").filter(has_text="must tell where they belong")).to_be_visible()
    lesson.screenshot("lesson-01-question")
    answers = json.loads((lesson.folder / "answers.json").read_text())
    assert answers == {"count": "b", "file": "b", "ratio": "b"}
    lesson.save()
    assert "passes all the tests" in lesson.validate()
    lesson.screenshot("lesson-01-validate")


def test_the_start_page_runs_and_its_mistakes_are_shown(lab):
    lab.copy(ROOT / "lessons" / "00_start_here")
    lab.open("00_start_here.ipynb")
    lab.run_all(timeout=180)
    verdict = lab.page.get_by_text("Everything the course needs is here.")
    lab.cell(4).scroll_into_view_if_needed()  # JupyterLab draws only the cells in sight
    expect(verdict).to_be_visible()
    lab.screenshot("lesson-00")
