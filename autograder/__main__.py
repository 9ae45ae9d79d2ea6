"""The command line: `python -m autograder --help`."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from autograder.executor.limits import DEFAULT
from autograder.kernels import warm
from autograder.kernels.seal import possible

KEPT = "What was graded so far is kept; the same command goes on from there."


def parser() -> argparse.ArgumentParser:
    """Return the parser; `command` is the name of a function of the parsed arguments in `commands`."""
    top = argparse.ArgumentParser("autograder", description="Grade the lessons into nbgrader's gradebook.")
    sub = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text, options in [
        ("import-zip", "take in the submissions that Canvas or Moodle packed into a zip", _zip_options),
        (
            "grade",
            "run and score every submission of a lesson that has no score yet, or changed",
            _grade_options,
        ),
        ("regrade", "grade all again; with --changed as `grade` does", _regrade_options),
        ("feedback", "write a page of HTML for every graded student", _lesson_options),
        ("export", "write the scores as a table", _export_options),
        ("status", "say what is graded, what waits, what needs manual grading", _lesson_options),
        (
            "similarity",
            "pair submissions that look alike, and write a page with them side by side",
            _similarity_options,
        ),
        ("doctor", "say which sandbox students' code gets here, and attack it", _doctor_options),
        ("demo", "make a class of 12 submissions and grade it", _demo_options),
    ]:
        command = sub.add_parser(name, help=text, description=text.capitalize() + ".")
        options(command)
        command.set_defaults(command=name.replace("-", "_"))
    return top


def _lesson_options(command: argparse.ArgumentParser, **lesson) -> None:
    command.add_argument("lesson", metavar="LESSON", **lesson)
    command.add_argument("--course", default=".", metavar="DIR", help="the course folder (default: this one)")


def _zip_options(command: argparse.ArgumentParser) -> None:
    _lesson_options(command)
    command.add_argument("zip", type=Path, metavar="FILE", help="the zip, as it was downloaded")


def _run_options(command: argparse.ArgumentParser) -> None:
    jobs = (os.cpu_count() or 1) + 1
    text = f"how many at a time (default: {jobs}, one more than there are cores, as kernels wait at times)"
    command.add_argument("--jobs", type=_positive(int), default=jobs, metavar="N", help=text)
    command.set_defaults(runs_code=True, cluster=None)
    for name, default, what in [
        ("--cell-timeout", DEFAULT.cell, "a cell"),
        ("--timeout", DEFAULT.total, "in all"),
    ]:
        text = f"seconds {what} (default: what the course says, or {default})"
        command.add_argument(name, type=_positive(float), metavar="S", help=text)
    text = "run students' code as you, with all your rights and no sandbox"
    command.add_argument("--unsandboxed", action="store_true", help=text)


def _grade_options(command: argparse.ArgumentParser) -> None:
    _lesson_options(command)
    command.add_argument("--student", nargs="+", action="extend", metavar="ID", help="only these students")
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the scores as JSON")
    text = "run submissions on the machines of this dask.distributed cluster, such as tcp://10.0.0.5:8786"
    command.add_argument("--cluster", metavar="ADDRESS", help=text)
    _run_options(command)


def _regrade_options(command: argparse.ArgumentParser) -> None:
    _grade_options(command)
    text = (
        "only where the submission, the lesson, its tests, the limits or the packages changed, or that failed"
    )
    command.add_argument("--changed", action="store_true", help=text)


def _export_options(command: argparse.ArgumentParser) -> None:
    _lesson_options(command, nargs="?")
    command.add_argument("--all", action="store_true", help="all released lessons")
    command.add_argument("--format", choices=["csv", "canvas", "moodle"], default="csv")
    command.add_argument("--out", type=Path, metavar="FILE", help="write here (default: standard output)")


def _similarity_options(command: argparse.ArgumentParser) -> None:
    _lesson_options(command)
    text = "how much of the smaller submission two must share, in percent (default: 50)"
    command.add_argument("--least", type=_positive(float), default=50.0, metavar="PERCENT", help=text)
    text = "write the page here (default: similarity/LESSON.html in the course folder)"
    command.add_argument("--out", type=Path, metavar="FILE", help=text)


def _doctor_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--course", default=".", metavar="DIR", help="whose limits --install writes down")
    text = "fail unless this one is reached (default: sealed)"
    command.add_argument("--rung", choices=["sealed", "bubblewrap"], default="sealed", help=text)
    text = "first install the kernelspec pruning-warm into this environment"
    command.add_argument("--install", action="store_true", help=text)


def _demo_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--course", default="demo_course", metavar="DIR", help="where to make the class")
    command.add_argument(
        "--source", default=".", metavar="DIR", help="the repository with solutions/ and tests/"
    )
    command.add_argument("--lesson", metavar="LESSON", help="which lesson (default: the first with answers)")
    _run_options(command)


def _positive(kind: type):
    def convert(text: str):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0. Received: {text}")
        return value

    convert.__name__ = kind.__name__  # argparse names it in its messages
    return convert


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        if "runs_code" in options and not options.unsandboxed and not options.cluster:
            Thread(target=_warm_up, daemon=True).start()
        return _run(options)
    except OSError as error:  # such as a full disk
        print(f"autograder: {error}. {KEPT}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"autograder: stopped. {KEPT}", file=sys.stderr)
    return 1


def _warm_up() -> None:
    """Start the process that kernels are forked from; should that fail, who needs it will say so."""
    with suppress(warm.NoZygote, OSError):
        if not possible():
            warm.current()


def _run(options: argparse.Namespace) -> int:
    # jsonschema would spend two seconds on the grammar of international addresses, which nobody here checks.
    sys.modules.setdefault("rfc3987_syntax", None)
    # Late: nbgrader takes seconds to import, which the warm process uses for its own imports.
    from autograder import commands
    from autograder.course import CourseError

    try:
        return getattr(commands, options.command)(options)
    except CourseError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
