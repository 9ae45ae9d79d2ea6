"""Run one cell, and say what went wrong with it: limits, and kernels that are lost."""

import asyncio
from math import ceil

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from autograder.executor.client import FLOOD, CappedClient
from autograder.executor.kernel import end_words, exit_words
from autograder.executor.limits import Limits

Trouble = tuple[str, str]  # a state and the sentence about it


async def run_cell(
    client: CappedClient, cell: NotebookNode, name: str, seconds: float, limits: Limits, aside: bool = False
) -> tuple[list[Trouble], str | None]:
    """Run a cell; return what went wrong, and why nothing can run after it (or None).

    `aside`: it is no cell of the notebook, and the kernel's history does not remember it.
    """
    client.begin()
    client.timeout = max(1, ceil(seconds))
    kept, client.nb = client.nb, new_notebook(cells=[cell])
    try:
        lost = await _execute(client, cell, name, limits, not aside)
    finally:
        client.nb = kept
    found = _over_limits(client, name, limits) + ([lost] if lost else [])
    return found, " ".join(sentence for _, sentence in found) if lost else None


async def _execute(
    client: CappedClient, cell: NotebookNode, name: str, limits: Limits, remembered: bool
) -> Trouble | None:
    """Execute a cell; return why its kernel is lost, or None."""
    try:
        await client.async_execute_cell(cell, 0, store_history=remembered)
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


def _over_limits(client: CappedClient, name: str, limits: Limits) -> list[Trouble]:
    if client.flooded:  # a flood takes long too, but the length is not what to mend
        megabytes = FLOOD * limits.output / 1e6
        return [("flood", f"{name} printed more than {megabytes:g} MB and was interrupted.")]
    if client.late:
        return [("time", f"{name} ran longer than {client.timeout:g} s and was interrupted.")]
    return []
