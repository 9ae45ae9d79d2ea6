"""Run a notebook in a kernel on this machine."""

from copy import deepcopy
from pathlib import Path
from time import monotonic

from nbformat import NotebookNode

from autograder.checks.checker import Checker, kernels
from autograder.checks.lesson import Tests
from autograder.executor.cell import Trouble, run_cell
from autograder.executor.client import CappedClient
from autograder.executor.kernel import sealed
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


async def run(
    notebook: NotebookNode,
    folder: Path,
    limits: Limits = DEFAULT,
    kernel=sealed,
    tests: Tests | None = None,
    support: Path | None = None,
) -> Result:
    """Execute a copy of a notebook with `folder` as its working directory.

    Whatever the code does, the points earned before it count: the Result says what happened.
    `kernel` is how to start one, see `executor.kernel`. `tests` are run in a second kernel, which imports
    what lies in the folder `support`; without them, test cells run as they stand in the notebook.
    Raises only when no kernel can be started, and KernelLost.
    """
    start, notebook = monotonic(), deepcopy(notebook)

    def client(nb: NotebookNode) -> CappedClient:
        return CappedClient(nb, limits.output, iopub_timeout=limits.grace, **OPTIONS)

    async with kernels(client, notebook, folder, limits, kernel, tests, support) as (student, checker):
        trouble = await _run_cells(student, limits, monotonic() + limits.total, checker)
    state = gravest([state for state, _ in trouble])
    return Result(state, " ".join(reason for _, reason in trouble), notebook, monotonic() - start)


async def _run_cells(
    client: CappedClient, limits: Limits, deadline: float, checker: Checker | None
) -> list[Trouble]:
    """Run the cells in order until a kernel is lost or the time is up; mark the rest as not run."""
    trouble: list[Trouble] = []
    stopped = None
    for index, cell in enumerate(client.nb.cells):
        if cell.cell_type != "code":
            continue
        name = _name(cell, index)
        if not stopped and monotonic() >= deadline:
            stopped = f"All of its {limits.total:g} s were used up before {name}."
            trouble.append(("time", stopped))
        if stopped:
            if is_test(cell):
                add_error(cell, "NotRun", f"Not run: {stopped}")
            continue
        run_it = checker.run if checker else run_cell
        found, stopped = await run_it(client, cell, name, min(limits.cell, deadline - monotonic()), limits)
        for state, sentence in found:
            add_error(cell, ERRORS[state], sentence)
        trouble += found
    return trouble


def _name(cell: NotebookNode, index: int) -> str:
    return f"Cell '{grade_id(cell)}'" if grade_id(cell) else f"Cell {index + 1} of the notebook"
