"""What each command does and prints."""

import sys
from argparse import Namespace
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from rich.console import Console

from autograder import archive, lms, report, settings
from autograder import doctor as examine
from autograder.course import Course, CourseError, open_course
from autograder.demo import make_class
from autograder.executor import ladder
from autograder.executor.limits import DEFAULT
from autograder.feedback import write_feedback
from autograder.grading import grade, grade_and_show, regrade
from autograder.kernels import spec
from autograder.policy.similarity import side_by_side
from autograder.policy.similarity.pairs import pairs, works

__all__ = ["grade", "regrade"]  # commands too
FORMATS = {"csv": report.export, "canvas": lms.canvas, "moodle": lms.moodle}


def import_zip(options: Namespace) -> int:
    """Unpack a zip of Canvas or Moodle into submitted/."""
    taken = archive.import_zip(open_course(options.course), options.lesson, options.zip)
    print(*taken.notes, sep="\n", end="\n" * bool(taken.notes))
    count = len(taken.students)
    print(f"{count} submission{'s' * (count != 1)}: {', '.join(taken.students)}")
    return 0


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


def similarity(options: Namespace) -> int:
    """Pair submissions that look alike; print the pairs and write the page."""
    course = open_course(options.course)
    found, unreadable = works(course, options.lesson)
    alike = pairs(found, options.least / 100)
    out = options.out or course.path / "similarity" / f"{options.lesson}.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(side_by_side.report(options.lesson, len(found), alike, unreadable), "utf-8")
    for pair in alike[: side_by_side.MOST]:
        print(f"{pair.alike:4.0%}  {pair.one.student}, {pair.other.student}")
    print(f"{len(alike)} pair{'s' * (len(alike) != 1)} of {len(found)} submissions, side by side in {out}.")
    print(side_by_side.CAUTION)
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
    outcome = grade_and_show(course, lesson, None, options)
    pages = write_feedback(course, lesson)
    table = course.path / "grades.csv"
    _export(course, lesson, table)
    print(f"{len(pages)} pages of feedback, such as {pages[0]}; the table is {table}.")
    return int(any(result.state == "error" for result in outcome.values()))
