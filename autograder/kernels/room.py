"""What a sealed kernel finds around it: a home, a folder for temporary files, and little of the world."""

import os
import site
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from autograder.executor.limits import Limits
from autograder.kernels import folders

# Variables that say nothing about the person who grades. Tokens and keys stay outside.
KEPT = """PATH LANG LANGUAGE TZ TERM COLUMNS PYTHONHASHSEED PYTHONPATH LD_LIBRARY_PATH SOURCE_DATE_EPOCH
NBGRADER_EXECUTION COURSE_STATIC JPY_SESSION_NAME""".split()
PREFIXES = (
    "LC_",
    "TF_CPP_",
    "TF_NUM_",
    "TF_ENABLE_",
    "TF_DETERMINISTIC",
    "KERAS_BACKEND",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
)
LONGEST = 60  # a socket's path has at most 107 bytes, and the file system counts


class Room:
    """The private folder of one kernel; `close` removes it."""

    def __init__(self):
        parent = tempfile.gettempdir()
        self.folder = folders.make("kernel", parent if len(parent) < LONGEST else "/tmp")
        for name in ("home", "tmp", "ipython"):
            (self.folder / name).mkdir()

    def environment(self, env: dict[str, str], limits: Limits) -> dict[str, str]:
        """Return of an environment what the code may see, its home and temporary folder being here."""
        names = {*KEPT, *limits.environment}
        kept = {name: env[name] for name in env if name in names or name.startswith(PREFIXES)}
        places = {"HOME": "home", "TMPDIR": "tmp", "IPYTHONDIR": "ipython"}
        return kept | {name: str(self.folder / place) for name, place in places.items()}

    def request(self, arguments: list[str], cwd: str, env: dict, limits: Limits, wall: float | None) -> dict:
        """Return what the zygote needs to know to bear a sealed kernel."""
        packages = {name: folder for name in limits.packages if (folder := package_folder(name))}
        readable = [self._linked(Path(os.path.expandvars(path))) for path in limits.readable]
        write = [str(Path(cwd).resolve()), str(self.folder)]
        return {
            "argv": arguments,
            "cwd": write[0],
            "env": self.environment(env, limits),
            "packages": packages,
            "seal": {
                "limits": asdict(limits) | {"wall": wall},
                "read": [*environment_folders(), *packages.values(), *readable],
                "write": write,
            },
        }

    def _linked(self, path: Path) -> str:
        """Let the code find a readable folder of the owner's home in its own home."""
        path = path.expanduser().absolute()
        with suppress(ValueError, OSError):
            link = self.folder / "home" / path.relative_to(Path.home())
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        return str(path)

    def close(self) -> None:
        """Remove the folder, whatever was made in it."""
        folders.remove(self.folder)


def environment_folders() -> list[str]:
    """Return where this Python and its packages are."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return sorted({str(Path(path).resolve()) for path in found} | set(found))


def package_folder(name: str) -> str | None:
    """Return the folder of a top-level package outside the environment."""
    found = find_spec(name)
    return str(Path(found.origin).resolve().parent) if found and found.origin else None
