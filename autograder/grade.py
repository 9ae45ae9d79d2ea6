"""Grade a lesson: intake, runs side by side, results on disk, one writer into the gradebook."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from autograder import plan
from autograder.checks.lesson import tests_of
from autograder.course import Course, CourseError, check_lesson
from autograder.executor.kernel import sealed
from autograder.executor.limits import DEFAULT, Limits
from autograder.executor.local import run
from autograder.intake import Submission, Unreadable, find, read_cells, stage, stage_support
from autograder.kernels import folders
from autograder.master import Master, load_master
from autograder.policy import attempts
from autograder.policy.late import Rule
from autograder.repair import blank, repair
from autograder.result import Result, gravest
from autograder.store import gradebook, results
from autograder.store.alone import alone
from autograder.store.penalties import in_force, settle


def grade(
    course: Course,
    lesson: str,
    students: list[str] | None = None,
    jobs: int = 1,
    limits: Limits = DEFAULT,
    on_start: Callable[[list[Submission]], None] = lambda found: None,
    on_begin: Callable[[str], None] = lambda student: None,
    on_result: Callable[[str, Result], None] = lambda student, result: None,
    on_wait: Callable[[], None] = lambda: None,
    kernel: Callable = sealed,
    changed: bool = False,
    machines: Callable | None = None,
) -> dict[str, Result]:
    """Grade the submissions of a lesson, `jobs` at a time; return the results by student.

    `kernel` is how a submission's kernel is started, see `executor.ladder`. With `changed`, what was graded
    and depends on nothing that changed since is left alone. `machines` says where to run submissions if not
    here: an async context manager like `here`, such as `executor.cluster.connected` with its address. One
    grader at a time works on a lesson: another one says `on_wait`, and waits.
    Raises CourseError when there is nothing to grade; a bad submission never raises.
    """
    check_lesson(course, lesson)
    rule, master = in_force(course, lesson), load_master(course, lesson)
    where = (machines or partial(here, kernel=kernel, jobs=jobs))(limits=limits)
    choose = partial(attempts.best, course, rule or Rule())
    with alone(course, lesson, on_wait):
        folders.sweep()
        keys = _to_do(course, master, students, limits, rule, changed)
        on_start(list(keys))
        try:
            if not keys:
                return {}
            return asyncio.run(_grade_all(course, master, keys, where, choose, on_begin, on_result))
        finally:
            settle(course, lesson)  # of everybody: dates may have changed, and scores by hand


def _to_do(course, master, students, limits, rule, changed) -> dict[Submission, str | None]:
    """Return the submissions to grade, with the keys of the scores they will have."""
    submissions = find(course, master.lesson, students)
    if rule and rule.keep == "best":
        submissions = attempts.with_earlier(course, master.lesson, submissions)
    keys = {s: plan.key(course, s, master, limits, repr(rule) if s.earlier else "") for s in submissions}
    if not changed:
        return keys
    done = {s: results.key(course, master.lesson, s.student) for s in submissions}
    return {s: key for s, key in keys.items() if key is None or key != done[s]}


@asynccontextmanager
async def here(limits: Limits, kernel: Callable, jobs: int):
    """Give what runs a notebook on this machine, and how many to run at a time."""
    yield partial(run, limits=limits, kernel=kernel), jobs


async def _grade_all(course, master, keys, machines, choose, on_begin, on_result) -> dict[str, Result]:
    async with machines as (execute, jobs):
        execute = partial(execute, tests=tests_of(master))
        slots = asyncio.Semaphore(jobs)

        async def run_one(submission: Submission) -> tuple[Submission, Result]:
            async with slots:
                on_begin(submission.student)
                tried = [(s, await _attempt(course, master, s, execute)) for s in submission.attempts]
            return choose(tried)

        return await _record_all(course, master, keys, run_one, on_result)


async def _record_all(course, master, keys, run_one, on_result) -> dict[str, Result]:
    writer = asyncio.Lock()

    async def one(submission: Submission) -> tuple[str, Result]:
        chosen, result = await run_one(submission)
        async with writer:
            result = await asyncio.to_thread(_keep, course, master, chosen, result, keys[submission])
        on_result(submission.student, result)
        return submission.student, result

    tasks = [asyncio.ensure_future(one(submission)) for submission in keys]
    try:
        return dict(await asyncio.gather(*tasks))
    finally:  # what is still under way must be over before its machines go
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _attempt(course: Course, master: Master, submission: Submission, execute: Callable) -> Result:
    """Read, repair and run one submission; whatever happens, return a Result."""
    try:
        # In threads, here and below: while one submission is large the time of the others runs on.
        raw, notes = await asyncio.to_thread(read_cells, submission.folder, master.lesson)
        notebook, mended = await asyncio.to_thread(repair, raw, master)
        result = await _again(partial(_run_staged, course, master, submission, partial(execute, notebook)))
    except Unreadable as trouble:
        return Result(trouble.state, str(trouble), blank(master, str(trouble)))
    except CourseError:  # whoever grades has to do something, such as bring the cluster back
        raise
    except Exception as error:  # the grader's own trouble must not stop the batch, nor cost a student points
        return _own_fault(master, error)
    notes += mended + course.timestamp_notes(submission.folder)
    state = gravest([result.state] + ["repaired"] * bool(notes))
    return replace(result, state=state, reason=" ".join([*filter(None, [result.reason]), *notes]))


async def _again(attempt: Callable) -> Result:
    """Try twice: what hit the grader, such as the end of its warm process, may not hit it again."""
    try:
        return await attempt()
    except CourseError:
        raise
    except Exception:
        return await attempt()


async def _run_staged(course, master, submission, run_in) -> Result:
    temporary = folders.make("grading")
    folder, support = temporary / master.lesson, temporary / "course"
    try:
        for place in (folder, support):
            place.mkdir()
        await asyncio.to_thread(stage, course, submission, master.lesson, folder)
        stage_support(course, master.lesson, support)
        return await run_in(folder=folder, support=support)
    finally:
        await asyncio.to_thread(folders.remove, temporary)


def _keep(course: Course, master: Master, submission: Submission, result: Result, key: str | None) -> Result:
    """Write a result to disk, into the gradebook, then its key; the grader's own failures change no score."""
    try:
        results.save(course, master.lesson, submission.student, result)
        if result.state == "error":
            return result
        gradebook.record(course, master.lesson, submission.student, result, submission.folder)
        settle(course, master.lesson, submission.student)
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
