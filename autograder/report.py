"""Who has what: the table after grading, the export, the status of a lesson."""

import csv
from typing import TextIO

from rich.table import Table

from autograder.course import Course, CourseError, check_lesson, is_released, lessons
from autograder.files import shown
from autograder.intake import find
from autograder.master import grade_id, is_test
from autograder.policy.times import length_words
from autograder.result import Result
from autograder.store import gradebook, results
from autograder.store.gradebook import Score
from autograder.store.penalties import settle

COLUMNS = ["student", "lesson", "score", "max_score", "late_penalty", "manual_pending", "state", "reason"]
STYLES = {"graded": "green", "repaired": "yellow", "error": "bold red"}


def score_table(lesson: str, outcome: dict[str, Result], scores: dict[str, Score], width: int) -> Table:
    """Return the table of one grading: a column for each graded cell, or the failed ones where none fit."""
    graded = {name for score in scores.values() for name in score.cells}
    cells = (cell for result in outcome.values() for cell in result.notebook.cells)
    names = [name for name in dict.fromkeys(map(grade_id, cells)) if name in graded]  # as in the lesson
    fit = 70 + sum(len(name) + 3 for name in names) <= width
    table = Table(title=lesson)
    for header in ["student", "score", *(names if fit else ["failed tests"]), "state", "reason"]:
        table.add_column(header, overflow="fold")
    for student, result in sorted(outcome.items()):
        score = scores.get(student)
        cells = [f"{score.cells[name][0]:g}" if score else "" for name in names]
        style = STYLES.get(result.state, "red")
        middle = cells if fit else [_failed(result, score)]
        table.add_row(
            _plain(student), _points(score), *middle, f"[{style}]{result.state}[/]", _plain(result.reason)
        )
    return table


def findings_table(rung: str, facts: dict[str, str], findings: list) -> Table:
    """Return the table of `doctor`: the machine, then what was tried and whether the sandbox held."""
    table = Table(title=f"Students' code runs: {rung}", show_header=False)
    for name, fact in facts.items():
        table.add_row(name, "", _plain(fact))
    table.add_section()
    for probe, held, words in findings:
        verdict = "[green]held[/]" if held else "[bold red]BROKEN[/]"
        table.add_row(probe, verdict, _plain(words.removeprefix("HELD ")))
    return table


def _failed(result: Result, score: Score | None) -> str:
    tests = [grade_id(cell) for cell in result.notebook.cells if is_test(cell)]
    lost = [name for name in tests if score and score.cells[name][0] < score.cells[name][1]]
    names = ", ".join(name.removeprefix("test_") for name in lost)
    return f"all {len(tests)}" if len(lost) == len(tests) > 1 else names


def _points(score: Score | None) -> str:
    if not score:
        return "-"
    late = f" (late: -{score.penalty:g})" if score.penalty else ""
    return f"{score.score:g} / {score.max_score:g}{' +?' if score.pending else ''}{late}"


def _plain(text: str) -> str:
    return shown(text).replace("[", "\\[")  # a student's file name is no markup


def rows(course: Course, lesson: str) -> list[dict[str, str | float]]:
    """Return the export's rows of one lesson: everybody the gradebook knows, submitted or not."""
    scores, outcome = gradebook.scores(course, lesson), results.load(course, lesson)
    names = sorted({*gradebook.students(course), *scores, *outcome})
    return [_row(name, lesson, scores.get(name), outcome.get(name)) for name in names]


def detailed(course: Course, lesson: str) -> list[dict]:
    """Return the rows of one lesson, each with the score and the maximum of every graded cell."""
    scores = gradebook.scores(course, lesson)
    return [row | {"cells": _cells(scores.get(row["student"]))} for row in rows(course, lesson)]


def _cells(score: Score | None) -> dict[str, tuple[float, float]]:
    return score.cells if score else {}


def _row(student: str, lesson: str, score: Score | None, result: Result | None) -> dict[str, str | float]:
    state = result.state if result else "graded by nbgrader" if score else "not submitted"
    pending = "yes" if score and score.pending else "no"
    points = (score.score, score.max_score, score.penalty, pending) if score else ("", "", "", "")
    reason = result.reason if result else ""
    return dict(zip(COLUMNS, [student, lesson, *points, state, reason], strict=True))


def export(course: Course, lesson: str | None, file: TextIO) -> None:
    """Write the table of a lesson, or of all released lessons, as CSV."""
    chosen = to_export(course, lesson)
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for name in chosen:
        writer.writerows({k: harmless(v) for k, v in row.items()} for row in rows(course, name))


def to_export(course: Course, lesson: str | None) -> list[str]:
    """Return the lesson that was asked for, or all that were released; raises CourseError."""
    if lesson:
        check_lesson(course, lesson)
    chosen = [lesson] if lesson else [name for name in lessons(course) if is_released(course, name)]
    if not chosen:
        raise CourseError("No lesson was released yet. Run `make release` first.")
    for name in chosen:
        settle(course, name)
    return chosen


def harmless(value: str | float) -> str | float:
    """Return a value for a cell of a table that no spreadsheet takes for a formula."""
    # A spreadsheet runs a text that starts like this as a formula, and students choose file names.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def status(course: Course, lesson: str) -> dict[str, list[str]]:
    """Return the students by what was done and by what is to be done."""
    check_lesson(course, lesson)
    settle(course, lesson)
    try:
        folders = {s.student: s.folder for s in find(course, lesson)}
    except CourseError:
        folders = {}
    scores, outcome = gradebook.scores(course, lesson), results.load(course, lesson)
    everybody = {*gradebook.students(course), *folders}
    return {
        "graded": sorted(name for name, r in outcome.items() if r.state != "error"),
        "waiting to be graded": sorted(folders.keys() - outcome.keys()),
        "not graded, the grader failed": sorted(n for n, r in outcome.items() if r.state == "error"),
        "waiting for manual grading": sorted(name for name, score in scores.items() if score.pending),
        "not submitted": sorted(everybody - folders.keys()),
    } | _deadline(scores)


def _deadline(scores: dict[str, Score]) -> dict[str, list[str]]:
    """Return who was late, and of whom that is not known; nothing where no time is set."""
    due = {name: score for name, score in scores.items() if score.due}
    late = sorted((name, score) for name, score in due.items() if score.late > 0)
    found = {
        "late": [f"{name} {length_words(s.late)}, -{s.penalty:g}" for name, s in late],
        "taken to be in time, without a timestamp.txt": sorted(n for n, s in due.items() if not s.submitted),
    }
    return found if due else {}
