"""The commands that run students' code: `grade` and `regrade`."""

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rich.console import Console
from rich.progress import Progress

from autograder import report, settings
from autograder.bar import COLUMNS, SPEED, Bar
from autograder.course import Course, CourseError, open_course
from autograder.executor import ladder
from autograder.executor.cluster import connected
from autograder.executor.limits import Limits
from autograder.grade import grade as grade_lesson
from autograder.grade import here
from autograder.kernels import warm
from autograder.result import Result
from autograder.store import gradebook, results


def grade(options: Namespace) -> int:
    """Grade what has no score that would stand, show all; 1 when the grader itself failed on a submission."""
    return _grade(options, changed=True)


def regrade(options: Namespace) -> int:
    """Grade all again; with `changed`, the same as `grade`."""
    return _grade(options, options.changed)


def _grade(options: Namespace, changed: bool) -> int:
    course = open_course(options.course)
    outcome = grade_and_show(course, options.lesson, options.student, options, changed)
    if options.json:
        options.json.write_text(json.dumps(report.detailed(course, options.lesson), indent=1), "utf-8")
    return int(any(result.state == "error" for result in outcome.values()))


def grade_and_show(
    course: Course, lesson: str, students: list[str] | None, options: Namespace, changed: bool = False
) -> dict[str, Result]:
    """Grade with a bar of progress and a table at the end; return the results by student."""
    console = Console()
    limits = _limits(course, lesson, options)
    with Progress(*COLUMNS, console=console, speed_estimate_period=SPEED) as progress:
        bar = Bar(progress, lesson)
        outcome = grade_lesson(
            course,
            lesson,
            students,
            options.jobs,
            limits,
            on_start=bar.start,
            on_begin=bar.begin,
            on_result=bar.end,
            on_wait=bar.wait,
            changed=changed,
            machines=_machines(options, progress.console.print),
        )
    if not outcome:
        console.print(
            "Nothing changed: every submission has the score it would get now. `regrade` grades all again."
        )
        return outcome
    console.print(*warm.notices, sep="\n", end="\n" * bool(warm.notices))
    shown = results.load(course, lesson) if changed else outcome  # of those graded earlier, too
    console.print(report.score_table(lesson, shown, gradebook.scores(course, lesson), console.width))
    return outcome


def _machines(options: Namespace, say: Callable[[str], None]) -> Callable:
    """Return where submissions run; a cluster says itself how, when it is there."""
    if address := options.cluster:
        return partial(connected, address, unsandboxed=options.unsandboxed, on_ready=say)
    try:
        rung = ladder.choose(options.unsandboxed)
    except ladder.NoSandbox as refusal:
        raise CourseError(str(refusal)) from refusal
    say(rung.words)
    return partial(here, kernel=rung.kernel, jobs=options.jobs)


def _limits(course: Course, lesson: str, options: Namespace) -> Limits:
    """Return the lesson's limits; what the command line says goes before what the course says."""
    asked = {"cell": options.cell_timeout, "total": options.timeout}
    return replace(settings.limits(course, lesson), **{k: v for k, v in asked.items() if v})
