"""Run a notebook in a kernel on this machine."""

import asyncio
from copy import deepcopy
from pathlib import Path
from time import monotonic

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.executor.client import FLOOD, CappedClient
from autograder.executor.kernel import end_words, exit_words, sealed
from autograder.executor.limits import DEFAULT, Limits
from autograder.master import grade_id, is_test
from autograder.result import Result, add_error, gravest

OPTIONS = {
    "allow_errors": True,
    "interrupt_on_timeout": True,
    "error_on_timeout": {"ename": "CellTimeout", "evalue": "", "traceback": []},
    "raise_on_iopub_timeout": True,
    "shutdown_kernel": "immediate",
}
ERRORS = {"time": "TooLong", "flood": "TooMuchOutput", "died": "KernelDied"}
Trouble = tuple[str, str]  # a state and the sentence about it


async def run(notebook: NotebookNode, folder: Path, limits: Limits = DEFAULT, kernel=sealed) -> Result:
    """Execute a copy of a notebook with `folder` as its working directory.

    Whatever the code does, the points earned before it count: the Result says what happened.
    `kernel` is how to start one, see `executor.kernel`.
    Raises only when no kernel can be started, and KernelLost.
    """
    start, notebook = monotonic(), deepcopy(notebook)
    client = CappedClient(notebook, limits.output, iopub_timeout=limits.grace, **OPTIONS)
    async with kernel(client, folder, limits):
        trouble = await _run_cells(client, limits, monotonic() + limits.total)
    state = gravest([state for state, _ in trouble])
    return Result(state, " ".join(reason for _, reason in trouble), notebook, monotonic() - start)


async def _run_cells(client: CappedClient, limits: Limits, deadline: float) -> list[Trouble]:
    """Run the cells in order until the kernel is lost or the time is up; mark the rest as not run."""
    trouble: list[Trouble] = []
    stopped = None
    for index, cell in enumerate(client.nb.cells):
        if cell.cell_type != "code":
            continue
        if not stopped and monotonic() >= deadline:
            stopped = f"All of its {limits.total:g} s were used up before {_name(cell, index)}."
            trouble.append(("time", stopped))
        if stopped:
            if is_test(cell):
                add_error(cell, "NotRun", f"Not run: {stopped}")
            continue
        found, stopped = await _run_cell(client, index, min(limits.cell, deadline - monotonic()), limits)
        trouble += found
    return trouble


async def _run_cell(
    client: CappedClient, index: int, seconds: float, limits: Limits
) -> tuple[list[Trouble], str | None]:
    """Run one cell; return what went wrong, and why nothing can run after it (or None)."""
    cell = client.nb.cells[index]
    client.begin()
    client.timeout = max(1, round(seconds))
    lost = await _execute(client, cell, index, limits)
    found = _over_limits(client, _name(cell, index), limits) + ([lost] if lost else [])
    for state, sentence in found:
        add_error(cell, ERRORS[state], sentence)
    return found, " ".join(sentence for _, sentence in found) if lost else None


async def _execute(client: CappedClient, cell: NotebookNode, index: int, limits: Limits) -> Trouble | None:
    """Execute one cell; return why its kernel is lost, or None."""
    name = _name(cell, index)
    try:
        await client.async_execute_cell(cell, index)
    except CellTimeoutError:
        # Without `late` the cell did end, only the last of its outputs never came.
        state = "flood" if client.flooded else "time"
        return (state, "It ignored the interrupt, so its kernel was stopped.") if client.late else None
    except DeadKernelError:
        if asyncio.current_task().cancelling():  # nbclient makes a dead kernel of somebody's Ctrl-C
            raise asyncio.CancelledError from None
        return "died", f"The kernel died in {name}: {await end_words(client, limits)}."
    except Exception as error:  # a kernel can be made to answer anything
        return "died", f"The kernel stopped making sense in {name} ({type(error).__name__}: {error})."
    return ("died", f"The kernel died in {name}: {exit_words(0)}.") if client.left else None


def _over_limits(client: CappedClient, name: str, limits: Limits) -> list[tuple[str, str]]:
    if client.flooded:  # a flood takes long too, but the length is not what to mend
        megabytes = FLOOD * limits.output / 1e6
        return [("flood", f"{name} printed more than {megabytes:g} MB and was interrupted.")]
    if client.late:
        return [("time", f"{name} ran longer than {client.timeout:g} s and was interrupted.")]
    return []


def _name(cell: NotebookNode, index: int) -> str:
    return f"Cell '{grade_id(cell)}'" if grade_id(cell) else f"Cell {index + 1} of the notebook"
