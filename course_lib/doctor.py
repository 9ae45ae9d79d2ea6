"""Is this computer ready for the course?  `doctor.check()` answers, and says how to mend what is not."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape

MEND_INSTALL = "Close JupyterLab and run `make lab` in the course folder again: it installs what is missing."
NEEDED = {
    "tensorflow": "2.21",
    "keras": "3.15",
    "tf-keras": "2.21",
    "tensorflow-model-optimization": "0.8",
    "numpy": "2.4",
    "jupyterlab": "4.6",
    "nbgrader": "0.9",
    "ipywidgets": "8.1",
    "anywidget": "0.11",
    "matplotlib": "3.11",
    "scikit-learn": "1.9",
}
NEEDED_GB = 1.5


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `what`, whether it is `ok`, what was `found`, and how to `mend` it."""

    what: str
    ok: bool
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Report:
    """What the doctor found; shows as a table in a notebook."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """True when nothing needs mending."""
        return all(finding.ok for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The sentence under the table."""
        ill = [finding.what for finding in self.findings if not finding.ok]
        return f"Mend first: {', '.join(ill)}." if ill else "Everything the course needs is here."

    def __repr__(self) -> str:
        rows = [f"{'ok ' if f.ok else 'NO '} {f.what:32} {f.found}  {f.mend}".rstrip() for f in self.findings]
        return "\n".join([*rows, self.verdict])

    def _repr_html_(self) -> str:
        heads = ["", "what", "found", "how to mend it"]
        rows = [["✓ ok" if f.ok else "✗ mend", f.what, f.found, f.mend] for f in self.findings]
        lines = [("th", heads), *(("td", row) for row in rows)]
        cells = ["".join(f"<{t} style='text-align:left'>{escape(x)}</{t}>" for x in row) for t, row in lines]
        table = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table>{table}</table><p><strong>{escape(self.verdict)}</strong></p>"


def check() -> Report:
    """Look at Python, the kernel, every package, memory, disk and the model cache: about a second."""
    looks: list[Callable[[], Iterator[Finding]]] = [python, kernel, packages, memory, disk, cache]
    return Report([finding for look in looks for finding in look()])


def python() -> Iterator[Finding]:
    """Python 3.11 to 3.13."""
    version = ".".join(map(str, sys.version_info[:3]))
    mend = "Install Python 3.11, delete the folder .venv and run `make lab` again."
    ok = (3, 11) <= sys.version_info < (3, 14)
    yield Finding("Python 3.11 to 3.13", ok, version, "" if ok else mend)


def kernel() -> Iterator[Finding]:
    """The notebook runs in the environment that holds the course."""
    inside = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    mend = 'Choose Kernel > Change Kernel... > "Python 3 (ipykernel)" in a JupyterLab started by `make lab`.'
    found = "the course's environment" if inside else "another Python of this computer"
    yield Finding("kernel", inside, found, "" if inside else mend)


def packages() -> Iterator[Finding]:
    """Each package of the course, in the minor version it was written for."""
    for name, needed in NEEDED.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(f"{name} {needed}", False, "not installed", MEND_INSTALL)
            continue
        ok = version.split(".")[:2] == needed.split(".")
        yield Finding(f"{name} {needed}", ok, version, "" if ok else MEND_INSTALL)


def memory() -> Iterator[Finding]:
    """Enough free memory for one lesson."""
    free = available_gb()
    ok = free >= NEEDED_GB
    mend = "Shut down other notebooks (the ■ panel at the left) and close other programs."
    yield Finding(f"{NEEDED_GB} GB of free memory", ok, f"{free:.1f} GB", "" if ok else mend)


def available_gb() -> float:
    """Free memory in GB; in a container (Binder) the smaller of the machine's and the container's."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        with open("/sys/fs/cgroup/memory.max") as limit, open("/sys/fs/cgroup/memory.current") as used:
            free = min(free, int(limit.read()) - int(used.read()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        pass
    return free / 1e9


def disk() -> Iterator[Finding]:
    """Room for your answers and the cached models."""
    free = shutil.disk_usage(os.getcwd()).free / 1e9
    ok = free > 0.2
    yield Finding("0.2 GB of free disk", ok, f"{free:.1f} GB", "" if ok else "Delete files you do not need.")


def cache() -> Iterator[Finding]:
    """A folder that keeps trained models between lessons; without it every lesson trains anew."""
    import platformdirs

    folder = os.environ.get("PRUNING_COURSE_CACHE") or platformdirs.user_cache_dir("pruning-course")
    try:
        os.makedirs(folder, exist_ok=True)
        ok = os.access(folder, os.W_OK)
    except OSError:
        ok = False
    mend = "Set PRUNING_COURSE_CACHE to a folder you may write to, before starting JupyterLab."
    yield Finding("a place for cached models", ok, "writable" if ok else "not writable", "" if ok else mend)
