"""The live line while a class is graded: real submissions, a real terminal of rich."""

import io

from rich.console import Console
from rich.progress import Progress
from tiny_course import LESSON, filled, submit

from autograder.bar import COLUMNS, SHOWN, SPEED, Bar
from autograder.grade import grade


def test_everybody_begins_once_ends_once_and_the_line_says_who_runs(course):
    names = ["ann", "bob", "cyd"]
    for name in names:
        submit(course, name, filled(course))
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    told, left = [], []
    with Progress(*COLUMNS, console=console, speed_estimate_period=SPEED, auto_refresh=False) as progress:
        bar = Bar(progress, LESSON)

        def begin(student):
            bar.begin(student)
            told.append(("begin", student))
            progress.refresh()

        def end(student, result):
            bar.end(student, result)
            told.append(("end", student))
            left.append(bar.progress.tasks[0].time_remaining)

        grade(course, LESSON, jobs=2, on_start=bar.start, on_begin=begin, on_result=end)
    assert sorted(told) == sorted((what, name) for what in ("begin", "end") for name in names)
    assert bar.running == []
    text = console.file.getvalue()
    assert "running: ann, bob" in text and f"{len(names)}/{len(names)}" in text
    assert left[1] is not None  # after two, rich can tell how long the third will take


def test_many_at_once_are_counted_and_odd_names_are_no_markup():
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    with Progress(*COLUMNS, console=console) as progress:
        bar = Bar(progress, "a lesson")
        for name in ["[red]ann", "bob", "cyd", "dan", "eve"]:
            bar.begin(name)
    assert f"[red]ann, bob, cyd and {5 - SHOWN} more" in console.file.getvalue()
