"""What lies in a submission's folder, and what of it is left alone: nothing here follows or opens it."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_BYTES = 100_000_000  # of one file
MOST_BYTES = 500_000_000  # of all together
DEEPEST = 20  # folders within each other
SHOWN = 10  # names in one sentence


def shown(name: str) -> str:
    """Return a name as it may be shown: nothing in it acts on a terminal, or is half a character."""
    return name if name.isprintable() else ascii(name)[1:-1]


def listed(names: list[str]) -> str:
    """Return names in one line, not all of them where they are many."""
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return ", ".join([*map(shown, names[:SHOWN]), *more])


def is_odd(path: Path) -> bool:
    """Whether this is hidden, a link, or no plain file: never copied, never followed, never opened."""
    mode = path.lstat().st_mode
    return path.name.startswith(".") or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def below(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder; what is closed, hidden or too deep is not entered."""
    waiting = [(folder, 0)]
    while waiting:
        here, depth = waiting.pop()
        try:
            entries = sorted(here.iterdir())
        except OSError:  # closed
            continue
        for path in entries:
            yield path
            if path.is_dir() and not is_odd(path) and depth < DEEPEST:
                waiting.append((path, depth + 1))


def too_much(folder: Path) -> dict[Path, str]:
    """Return what is in order but cannot be copied, and why: closed, too deep, too large."""
    found: dict[Path, str] = {}
    total = 0
    for path in below(folder):
        if is_odd(path):
            continue
        size = path.stat().st_size if path.is_file() else 0
        total += size
        if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            found[path] = "it cannot be opened"
        elif len(path.parts) - len(folder.parts) > DEEPEST and path.is_dir():
            found[path] = f"it lies in more than {DEEPEST} folders"
        elif size > MAX_BYTES or total > MOST_BYTES:
            found[path], total = f"it is too large, {size / 1e6:,.0f} MB", total - size
    return found


def notes(folder: Path) -> list[str]:
    """Return a sentence about each kind of thing that cannot be copied."""
    whys: dict[str, list[str]] = {}
    for path, why in too_much(folder).items():
        whys.setdefault(why, []).append(path.name)
    return [f"{listed(names)} was left out: {why}." for why, names in whys.items()]


def copy(folder: Path, target: Path, ignored: Callable[[str], bool] = lambda name: False) -> None:
    """Copy what can be copied of a folder into another one, which may be there."""
    left = too_much(folder)

    def ignore(here: str, names: list[str]) -> list[str]:
        return [n for n in names if (p := Path(here, n)) in left or is_odd(p) or ignored(n)]

    shutil.copytree(folder, target, ignore=ignore, copy_function=shutil.copyfile, dirs_exist_ok=True)
