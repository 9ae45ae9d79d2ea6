"""The live line of a grading: how many are done, what runs now, the time it took and may still take."""

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from autograder.intake import Submission
from autograder.result import Result

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TextColumn("left:"),
    TimeRemainingColumn(),
    TextColumn("{task.fields[running]}", markup=False),
)
SPEED = 3600  # seconds looked back on for the time left: a submission may take minutes
SHOWN = 3  # names of students on one line


class Bar:
    """A lesson's line of a Progress, told by `grade` what begins and what has ended."""

    def __init__(self, progress: Progress, lesson: str):
        self.progress, self.running = progress, []
        self.task = progress.add_task(lesson, total=None, running="")

    def start(self, found: list[Submission]) -> None:
        """So many there are."""
        self.progress.update(self.task, total=len(found))

    def begin(self, student: str) -> None:
        """One more runs."""
        self.running.append(student)
        self._show()

    def end(self, student: str, result: Result) -> None:
        """One has its score."""
        self.running.remove(student)
        self.progress.advance(self.task)
        self._show()

    def wait(self) -> None:
        """Another grader is at work."""
        self.progress.console.print("Another autograder grades this lesson: waiting for its end.")

    def _show(self) -> None:
        more = len(self.running) - SHOWN
        words = ", ".join(self.running[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        self.progress.update(self.task, running=words and f"running: {words}")
