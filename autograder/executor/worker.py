"""What a machine of a cluster does: run one notebook, as `local` does, in a kernel of its own zygote.

Only texts and bytes cross: the notebook, the limits and the result as JSON, the files as a tar archive.
"""

import asyncio
import io
import json
import os
import platform
import sys
import tarfile
from dataclasses import asdict
from pathlib import Path

from nbformat import NotebookNode, from_dict

from autograder import plan
from autograder.checks import lesson
from autograder.executor import ladder
from autograder.executor.limits import Limits
from autograder.executor.local import run
from autograder.kernels import folders
from autograder.kernels.room import PREFIXES
from autograder.result import Result, from_record, to_text

WORK, COURSE = "work", "course"  # where a submission and the course's own files lie in the archive
# Variables that reach students' code and may change what it computes.
DECISIVE = tuple(prefix for prefix in PREFIXES if prefix not in ("LC_", "TF_CPP_"))


class WorkerFailed(Exception):
    """A worker could not run a submission, in its own words; the submission is not to blame."""


async def work(key: str, notebook: str, files: bytes, limits: str, tests: str, unsandboxed: bool) -> str:
    """Run one notebook on this machine; return its Result as JSON, or `{"failed": why}`.

    `key` is Dask's for this task: when nobody wants its result any more, its kernel is ended at once.
    """
    from distributed import get_worker

    running, tasks = (
        asyncio.ensure_future(_work(notebook, files, limits, tests, unsandboxed)),
        get_worker().state.tasks,
    )
    while not running.done():
        await asyncio.wait({running}, timeout=0.5)
        if key not in tasks or tasks[key].state == "cancelled":
            running.cancel()
    return '{"failed": "nobody wanted it"}' if running.cancelled() else running.result()


async def _work(notebook: str, files: bytes, limits: str, tests: str, unsandboxed: bool) -> str:
    temporary = folders.make("grading")
    try:
        folder, support = await asyncio.to_thread(_unpack, files, temporary)
        kernel = ladder.choose(unsandboxed).kernel
        given = from_dict(json.loads(notebook)), folder, _limits(limits), kernel
        return to_text(await run(*given, lesson.from_text(tests), support))
    except Exception as error:  # as a text: exceptions would cross as pickles
        return json.dumps({"failed": f"{type(error).__name__}: {error}"})
    finally:
        await asyncio.to_thread(folders.remove, temporary)


def packed(
    notebook: NotebookNode, folder: Path, limits: Limits, tests: lesson.Tests, support: Path
) -> tuple[str, bytes, str, str]:
    """Return what `work` needs of a submission."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(folder, arcname=f"{WORK}/{folder.name}")
        tar.add(support, arcname=COURSE)
    return json.dumps(notebook), archive.getvalue(), json.dumps(asdict(limits)), json.dumps(asdict(tests))


def opened(answer: str) -> Result:
    """Return the Result in what `work` gave back; raises WorkerFailed."""
    record = json.loads(answer)
    if "failed" in record:
        raise WorkerFailed(record["failed"])
    return from_record(record)


def about(packages: tuple[str, ...], unsandboxed: bool) -> str:
    """Return as JSON what matters about this machine: its packages, and how students' code would run."""
    _, installed, folders = plan.environment(("autograder", *packages))
    versions = dict(name.lower().replace("_", "-").split("==") for name in installed)
    try:
        rung, refusal = ladder.choose(unsandboxed).words, ""
    except ladder.NoSandbox as error:
        rung, refusal = "", str(error)
    versions["python"] = platform.python_version()
    own = dict(zip(("autograder", *packages), folders, strict=False))
    variables = {name: value for name, value in os.environ.items() if name.startswith(DECISIVE)}
    found = {"system": sys.platform, "versions": versions, "own": own, "variables": variables}
    return json.dumps(found | {"rung": rung, "refusal": refusal})


def _unpack(files: bytes, temporary: Path) -> tuple[Path, Path]:
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        tar.extractall(temporary, filter="data")
    return next((temporary / WORK).iterdir()), temporary / COURSE


def _limits(text: str) -> Limits:
    values = json.loads(text).items()
    return Limits(**{name: tuple(value) if isinstance(value, list) else value for name, value in values})
