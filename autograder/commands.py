"""What each command does and prints."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder import archive, lms, report, settings
from autograder import doctor as examine
from autograder.course import Course, CourseError, open_course
from autograder.demo import make_class
from autograder.executor import ladder
from autograder.executor.limits import DEFAULT, Limits
from autograder.feedback import write_feedback
from autograder.grade import grade as grade_lesson
from autograder.kernels import spec, warm
from autograder.result import Result
from autograder.store import gradebook

FORMATS = {"csv": report.export, "canvas": lms.canvas, "moodle": lms.moodle}
BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


def import_zip(options: Namespace) -> int:
    """Unpack a zip of Canvas or Moodle into submitted/."""
    taken = archive.import_zip(open_course(options.course), options.lesson, options.zip)
    print(*taken.notes, sep="\n", end="\n" * bool(taken.notes))
    count = len(taken.students)
    print(f"{count} submission{'s' * (count != 1)}: {', '.join(taken.students)}")
    return 0


def grade(options: Namespace) -> int:
    """Grade a lesson and show the scores; 1 when the grader itself failed on a submission."""
    course = open_course(options.course)
    outcome = _grade(course, options.lesson, options.student, options, getattr(options, "changed", False))
    if options.json:
        options.json.write_text(json.dumps(report.detailed(course, options.lesson), indent=1), "utf-8")
    return int(any(result.state == "error" for result in outcome.values()))


def regrade(options: Namespace) -> int:
    """Grade again; with `changed`, also what a stopped run left undone, and nothing else."""
    return grade(options)


def _grade(
    course: Course, lesson: str, students: list[str] | None, options: Namespace, changed: bool = False
) -> dict[str, Result]:
    console = Console()
    limits, rung = _limits(course, lesson, options), _rung(options)
    with Progress(*BAR, console=console) as progress:
        task = progress.add_task(lesson, total=None)
        outcome = grade_lesson(
            course,
            lesson,
            students,
            options.jobs,
            limits,
            on_start=lambda found: _announce(progress, task, len(found), rung.words),
            on_result=lambda student, result: progress.advance(task),
            kernel=rung.kernel,
            changed=changed,
        )
    if not outcome:
        console.print("Nothing changed: every submission has the score that it would get now.")
        return outcome
    console.print(*warm.notices, sep="\n", end="\n" * bool(warm.notices))
    console.print(report.score_table(lesson, outcome, gradebook.scores(course, lesson), console.width))
    return outcome


def _rung(options: Namespace) -> ladder.Rung:
    try:
        return ladder.choose(options.unsandboxed)
    except ladder.NoSandbox as refusal:
        raise CourseError(str(refusal)) from refusal


def _limits(course: Course, lesson: str, options: Namespace) -> Limits:
    """Return the lesson's limits; what the command line says goes before what the course says."""
    asked = {"cell": options.cell_timeout, "total": options.timeout}
    return replace(settings.limits(course, lesson), **{k: v for k, v in asked.items() if v})


def _announce(progress: Progress, task, count: int, words: str) -> None:
    progress.console.print(words)
    progress.update(task, total=count)


def feedback(options: Namespace) -> int:
    """Write the feedback pages of a lesson."""
    course = open_course(options.course)
    pages = write_feedback(course, options.lesson)
    print(f"{len(pages)} pages in {course.path / course.feedback_directory}/<student>/{options.lesson}/")
    return 0


def export(options: Namespace) -> int:
    """Write the scores as a table: everything, or what Canvas or Moodle takes in."""
    if bool(options.lesson) == options.all:
        raise CourseError("Name one lesson, or say --all.")
    course = open_course(options.course)
    _export(course, options.lesson, options.out, FORMATS[options.format])
    if waiting := lms.waiting(course, options.lesson):
        print(f"Not final, they wait for manual grading: {', '.join(waiting)}.", file=sys.stderr)
    return 0


def _export(course: Course, lesson: str | None, out: Path | None, write: Callable = report.export) -> None:
    text = StringIO(newline="")
    write(course, lesson, text)  # what cannot be exported leaves a file from before as it is
    if out is None:
        sys.stdout.write(text.getvalue())
    else:
        out.write_text(text.getvalue(), "utf-8", newline="")


def status(options: Namespace) -> int:
    """Print what is graded and what is to be done."""
    for what, names in report.status(open_course(options.course), options.lesson).items():
        print(f"{what}: {len(names)}" + (f" ({', '.join(names)})" if names else ""))
    return 0


def doctor(options: Namespace) -> int:
    """Say which sandbox holds here and attack it; 1 when it is not the wanted one, or gives way."""
    if options.install:
        print(f"Kernelspec {spec.NAME} is in {spec.install(course_limits(options.course))}.")
    try:
        rung = ladder.choose()
    except ladder.NoSandbox as refusal:
        print(refusal)
        return 1
    findings = examine.attack(rung.kernel)
    Console().print(report.findings_table(rung.name, examine.facts(rung.name), findings))
    return int(rung.name != options.rung or not all(finding.held for finding in findings))


def course_limits(folder: str) -> dict:
    """Return the limits of a course that are not the default, or none where there is no course."""
    try:
        chosen = settings.limits(open_course(folder))
    except CourseError:
        return {}
    return {name: value for name, value in vars(chosen).items() if value != getattr(DEFAULT, name)}


def demo(options: Namespace) -> int:
    """Make a class, grade it, write its feedback and its table."""
    course, lesson = make_class(Path(options.source), Path(options.course), options.lesson)
    outcome = _grade(course, lesson, None, options)
    pages = write_feedback(course, lesson)
    table = course.path / "grades.csv"
    _export(course, lesson, table)
    print(f"{len(pages)} pages of feedback, such as {pages[0]}; the table is {table}.")
    return int(any(result.state == "error" for result in outcome.values()))
