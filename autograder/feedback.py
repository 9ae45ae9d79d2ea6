"""A page for every student: scores, what happened, comments, the notebook without hidden tests."""

import html
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from nbformat import NotebookNode
from nbgrader import utils

from autograder import page
from autograder.course import Course, CourseError, check_lesson
from autograder.hide import without_hidden
from autograder.master import Master, grade_id, load_master
from autograder.policy.deadlines import rule
from autograder.policy.late import Rule, sentence
from autograder.result import Result
from autograder.store import gradebook, results
from autograder.store.penalties import settle

STATES = {
    "graded": "Your notebook was read and run.",
    "repaired": "Your notebook was mended before it was run.",
    "flood": "Your notebook printed too much.",
    "time": "Your notebook took too long.",
    "died": "Your notebook's kernel died; what it had earned before that counts.",
    "unreadable": "Your notebook could not be read, so nothing in it could be graded.",
    "missing": "There was no notebook to grade.",
    "error": "Something went wrong on the grader's side; your instructor has been told.",
}


def write_feedback(course: Course, lesson: str) -> list[Path]:
    """Write `feedback/<student>/<lesson>/<lesson>.html` for every graded submission.

    Raises CourseError when nothing was graded yet.
    """
    check_lesson(course, lesson)
    found = results.load(course, lesson)
    if not found:
        raise CourseError(f"Nothing of {lesson!r} was graded yet. Run `autograder grade {lesson}` first.")
    settle(course, lesson)
    master, scores, terms = (
        load_master(course, lesson),
        gradebook.scores(course, lesson),
        rule(course, lesson),
    )
    return [
        _write(course, master, name, render(master, result, scores.get(name), terms))
        for name, result in found.items()
    ]


def render(master: Master, result: Result, score: gradebook.Score | None, terms: Rule | None = None) -> str:
    """Return the page of one submission; `score` is None when it never got into the gradebook."""
    body = [f"<h1>Feedback on {html.escape(master.lesson)}</h1>", _head(master, result, score, terms)]
    # Nothing of an unreadable notebook is left to show but the lesson itself.
    if result.state not in ("unreadable", "missing", "error"):
        body += [_cell(cell, score) for cell in without_hidden(result.notebook, master).cells]
    elif score:
        body += [_comment(name, score) for name in score.comments]
    return page.document(f"Feedback on {master.lesson}", "\n".join(body))


def _head(master: Master, result: Result, score: gradebook.Score | None, terms: Rule | None) -> str:
    parts = [f"<p>{STATES[result.state]}</p>"]
    if result.reason:
        parts.append(f'<p class="reason">{html.escape(result.reason)}</p>')
    if score:
        pending = " (some answers still wait for your instructor)" if score.pending else ""
        parts.insert(0, f'<p class="score">Score: {score.score:g} of {score.max_score:g}{pending}</p>')
        if late := sentence(terms, score.due, score.late, score.penalty):
            parts.append(f'<p class="reason">{html.escape(late)}</p>')
        cells = [(name, *score.cells[name]) for name in master.ids if name in score.cells]
        rows = [[name, f"{got:g}", f"{most:g}"] for name, got, most in cells]
        rows += [["late penalty", f"-{score.penalty:g}", ""]] if score.penalty else []
        parts.append(page.table(["part", "score", "of"], rows))
    return "\n".join(parts)


def _cell(cell: NotebookNode, score: gradebook.Score | None) -> str:
    name, parts = grade_id(cell), [page.cell(cell)]
    marked = utils.is_grade(cell) or utils.is_solution(cell)
    if score and name in score.cells:
        got, most = score.cells[name]
        parts.insert(0, f'<p class="score">{html.escape(name)}: {got:g} of {most:g}</p>')
    if score and name in score.comments:
        parts.append(_comment(name, score))
    return f'<div class="cell{" marked" if marked else ""}">{"".join(parts)}</div>'


def _comment(name: str, score: gradebook.Score) -> str:
    return f'<div class="comment">Comment on {html.escape(name)}: {page.markdown(score.comments[name])}</div>'


def _write(course: Course, master: Master, student: str, text: str) -> Path:
    folder = course.path / course.feedback_directory / student / master.lesson
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=folder, prefix=".", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)  # temporary files are private; feedback is handed on
    target = folder / f"{master.lesson}.html"
    os.replace(file.name, target)
    return target
