"""One grader at a time for a lesson."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from autograder.course import Course
from autograder.store import results


@contextmanager
def alone(course: Course, lesson: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold a lesson's lock, which ends with this process at the latest; `on_wait`: another has it."""
    folder = results.folder(course, lesson)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
