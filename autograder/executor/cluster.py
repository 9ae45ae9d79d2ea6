"""Run notebooks on the machines of a dask.distributed cluster; what each of them does stands in `worker`."""

import asyncio
import json
import logging
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from nbformat import NotebookNode

from autograder.course import CourseError
from autograder.executor.limits import Limits
from autograder.executor.worker import WorkerFailed, about, opened, packed, work
from autograder.result import Result

CONNECT = 10  # seconds a scheduler may take to answer at first
PATIENCE = 60  # seconds it may take later on, or be without a single worker
QUEUED = 4  # submissions under way for each thread: more machines may join
START = "Start it with `dask scheduler`, and `dask worker ADDRESS --no-nanny` on every machine"
GO_ON = "What was graded is kept: `autograder grade LESSON` does the rest."


class ClusterLost(CourseError):
    """The cluster vanished while it graded."""


@asynccontextmanager
async def connected(
    address: str,
    limits: Limits,
    unsandboxed: bool = False,
    on_ready: Callable[[str], None] = lambda words: None,
):
    """Give `(execute, slots)`: how to run a notebook on a cluster, and how many to have under way.

    Raises CourseError when nobody answers at the address, when no worker is there, or when one of them
    cannot run students' code as this machine would; ClusterLost later on.
    """
    client, lost = await _client(address), asyncio.Future()
    try:
        threads = await client.nthreads()
        words = await _inspected(client, address, limits, unsandboxed)
        at_a_time = sum(threads.values())
        on_ready(f"Workers: {len(threads)}. Submissions at a time: {at_a_time}. {words}")
        lost = asyncio.ensure_future(_watch(client, address))
        yield partial(_execute, client, lost, address, limits, unsandboxed), QUEUED * at_a_time
    finally:
        lost.cancel()
        with suppress(Exception):
            await client.close(timeout=2)


async def _client(address: str):
    from distributed import Client  # takes half a second, and only a cluster needs it

    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # our own sentences say it
    client = None
    try:
        client = Client(address, asynchronous=True, timeout=CONNECT, set_as_default=False)
        return await client
    except Exception as error:  # whatever Dask makes of an address
        with suppress(Exception):
            await client.close(timeout=1)
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CourseError(f"No cluster answers at {address!r} ({why}). {START}.") from error


async def _inspected(client, address: str, limits: Limits, unsandboxed: bool) -> str:
    """Return how students' code will run; refuse workers on which it would run otherwise than here."""
    here = json.loads(about(limits.packages, True))
    try:
        workers = await client.run(about, limits.packages, unsandboxed)
    except Exception as error:
        raise CourseError(
            f"The workers at {address} do not know this autograder ({type(error).__name__}: {error}). "
            "Start each in a clone of this repository, with its environment."
        ) from error
    if not workers:
        raise CourseError(f"The cluster at {address} has no workers. {START}.")
    workers = {worker: json.loads(text) for worker, text in workers.items()}
    for worker, there in workers.items():
        if why := there["refusal"] or _difference(here, there):
            raise CourseError(f"The worker {worker} cannot be used: {why}")
    return next(iter(workers.values()))["rung"]


def _difference(here: dict, there: dict) -> str:
    """Say why scores could differ between two machines, or nothing."""
    ours, theirs = here["versions"], there["versions"]
    other = [f"{n} {theirs[n]} instead of {v}" for n, v in ours.items() if theirs.get(n, v) != v]
    if here["system"] == there["system"]:  # the lock has other packages for other systems
        other += [f"no {name}" for name in sorted(ours.keys() - theirs.keys())]
    other += [f"another {name}" for name, files in here["own"].items() if there["own"].get(name) != files]
    ours, theirs = here["variables"], there["variables"]
    names = [n for n in sorted({*ours, *theirs}) if ours.get(n) != theirs.get(n)]
    other += [f"the variable {n}={theirs.get(n, '')} instead of {ours.get(n, 'none')}" for n in names]
    return (
        f"it has {', '.join(other[:3])}. Give it this environment and clone, and no nanny." if other else ""
    )


async def _execute(
    client, lost, address, limits, unsandboxed, notebook: NotebookNode, folder: Path, tests, support: Path
) -> Result:
    """Run a notebook somewhere on the cluster, and again should its machine die."""
    key, parts = (
        f"grade-{uuid4().hex}",
        await asyncio.to_thread(packed, notebook, folder, limits, tests, support),
    )
    if lost.done():
        raise ClusterLost(lost.result())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a submission is large
        future = client.submit(work, key, *parts, unsandboxed, key=key)
    answer = asyncio.ensure_future(_result(future))
    try:
        await asyncio.wait({answer, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClusterLost(lost.result())
        return opened(answer.result())
    except CancelledError as error:  # Dask's own: it forgets all tasks when it loses its scheduler
        if getattr(error, "reason", "") != "scheduler-connection-lost":
            raise WorkerFailed(f"Dask gave the submission up ({error})") from error
        raise ClusterLost(_gone(address)) from error
    finally:
        answer.cancel()
        future.release()


async def _result(future) -> str:
    return await future


def _gone(address: str) -> str:
    return f"The cluster at {address} does not answer any more. {GO_ON}"


async def _watch(client, address: str) -> str:
    """Return, when it has come to that, why no more answers will come."""
    alone = 0
    while alone < PATIENCE:
        await asyncio.sleep(1)
        try:
            workers = await asyncio.wait_for(client.nthreads(), PATIENCE)
        except Exception:
            return _gone(address)
        alone = 0 if workers else alone + 1
    return f"The cluster at {address} has had no worker for {PATIENCE} seconds. {GO_ON}"
