"""Temporary folders that outlive nobody for long: a killed grader's are swept by the next one.

The owner holds a lock on each of its folders; the operating system lets go of it when the owner ends.
"""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nothing is swept
    fcntl = None

OURS = "autograder-"  # what a name must begin with to be swept
YOUNG = 60  # seconds in which a folder may not have its lock yet
_locks: dict[Path, int] = {}


def make(kind: str, parent: str | None = None) -> Path:
    """Make a private folder, `kind` in its name, below `parent` or where temporary files go."""
    folder = Path(tempfile.mkdtemp(prefix=f"{OURS}{kind}-", dir=parent))
    if fcntl:
        _locks[folder] = os.open(folder, os.O_RDONLY)
        fcntl.flock(_locks[folder], fcntl.LOCK_EX)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder that untrusted code has filled: in any mode, and as deep as it liked."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, check=False)
    if folder in _locks:
        os.close(_locks.pop(folder))


def sweep() -> None:
    """Remove the folders whose owners are gone."""
    if not fcntl:
        return
    for top in {tempfile.gettempdir(), "/tmp"}:
        for folder in Path(top).glob(f"{OURS}*"):
            with suppress(OSError):  # somebody else's, or just gone
                if _is_left(folder):
                    remove(folder)


def _is_left(folder: Path) -> bool:
    """Whether nobody holds this folder; raises OSError when it is not ours to ask."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(here)
        if status.st_uid != os.getuid() or status.st_mode & 0o077 or time.time() - status.st_mtime < YOUNG:
            return False
        fcntl.flock(here, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    finally:
        os.close(here)
