"""Grade a lesson: intake, runs side by side, results on disk, one writer into the gradebook."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from autograder import plan
from autograder.course import Course, check_lesson
from autograder.executor.kernel import sealed
from autograder.executor.limits import DEFAULT, Limits
from autograder.executor.local import run
from autograder.intake import Submission, Unreadable, find, read_cells, stage
from autograder.kernels.room import remove
from autograder.master import Master, load_master
from autograder.repair import blank, repair
from autograder.result import Result, gravest
from autograder.store import gradebook, results


def grade(
    course: Course,
    lesson: str,
    students: list[str] | None = None,
    jobs: int = 1,
    limits: Limits = DEFAULT,
    on_start: Callable[[list[Submission]], None] = lambda found: None,
    on_result: Callable[[str, Result], None] = lambda student, result: None,
    kernel: Callable = sealed,
    changed: bool = False,
) -> dict[str, Result]:
    """Grade the submissions of a lesson, `jobs` at a time; return the results by student.

    `kernel` is how a submission's kernel is started, see `executor.ladder`. With `changed`, what was graded
    and depends on nothing that changed since is left alone.
    Raises CourseError when there is nothing to grade; a bad submission never raises.
    """
    check_lesson(course, lesson)
    submissions = find(course, lesson, students)
    master = load_master(course, lesson)
    keys = {s: plan.key(course, s, master, limits) for s in submissions}
    if changed:
        keys = {
            s: key for s, key in keys.items() if key is None or key != results.key(course, lesson, s.student)
        }
    on_start(list(keys))
    execute = partial(run, limits=limits, kernel=kernel)
    return asyncio.run(_grade_all(course, master, keys, jobs, execute, on_result))


async def _grade_all(course, master, keys, jobs, execute, on_result) -> dict[str, Result]:
    slots, writer = asyncio.Semaphore(jobs), asyncio.Lock()

    async def one(submission: Submission) -> tuple[str, Result]:
        async with slots:
            result = await _attempt(course, master, submission, execute)
        async with writer:
            result = await asyncio.to_thread(_keep, course, master, submission, result, keys[submission])
        on_result(submission.student, result)
        return submission.student, result

    return dict(await asyncio.gather(*map(one, keys)))


async def _attempt(course: Course, master: Master, submission: Submission, execute: Callable) -> Result:
    """Read, repair and run one submission; whatever happens, return a Result."""
    try:
        raw, notes = read_cells(submission.folder, master.lesson)
        notebook, mended = repair(raw, master)
        result = await _again(partial(_run_staged, course, master, submission, partial(execute, notebook)))
    except Unreadable as trouble:
        return Result(trouble.state, str(trouble), blank(master, str(trouble)))
    except Exception as error:  # the grader's own trouble must not stop the batch, nor cost a student points
        return _own_fault(master, error)
    notes += mended + course.timestamp_notes(submission.folder)
    state = gravest([result.state] + ["repaired"] * bool(notes))
    return replace(result, state=state, reason=" ".join([*filter(None, [result.reason]), *notes]))


async def _again(attempt: Callable) -> Result:
    """Try twice: what hit the grader, such as the end of its warm process, may not hit it again."""
    try:
        return await attempt()
    except Exception:
        return await attempt()


async def _run_staged(course, master, submission, run_in) -> Result:
    temporary = Path(mkdtemp(prefix="grading-"))
    try:
        folder = temporary / master.lesson
        folder.mkdir()
        stage(course, submission, master.lesson, folder)
        return await run_in(folder=folder)
    finally:
        remove(temporary)


def _keep(course: Course, master: Master, submission: Submission, result: Result, key: str | None) -> Result:
    """Write a result to disk, into the gradebook, then its key; the grader's own failures change no score."""
    results.save(course, master.lesson, submission.student, result)
    if result.state == "error":
        return result
    try:
        gradebook.record(course, master.lesson, submission.student, result)
    except Exception as error:  # one submission that nbgrader cannot store must not stop the batch
        result = _own_fault(master, error)
        results.save(course, master.lesson, submission.student, result)
    else:
        if key:
            results.done(course, master.lesson, submission.student, key)
    return result


def _own_fault(master: Master, error: Exception) -> Result:
    sentence = f"The grader itself failed, no score was changed: {type(error).__name__}: {error}"
    return Result("error", sentence, blank(master, sentence))
