"""What a keeper's processes use together: limits of the operating system count each alone, or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

FILES = 20_000  # more files than any lesson writes
ENDED = 3_000  # threads that are gone but still counted: Linux clears up after them late when it is busy


def excess(limits: dict, seconds: float) -> str | None:
    """Return the name of the limit that the keeper's processes exceed, or None.

    Looks at `wall` seconds (None: no limit), the number of `processes`, `memory` in bytes above `base` bytes
    for each process, and `disk` bytes in `folders` and in files without a name.
    """
    if limits["wall"] and seconds > limits["wall"]:
        return "wall"
    family, tasks = [], 0
    for pid in descendants("self"):
        family.append(pid)
        tasks += len(_tasks(pid))
        if len(family) > limits["processes"] or tasks > most_tasks(limits["processes"]):
            return "processes"
    if sum(map(resident, family)) - limits["base"] * len(family) > limits["memory"]:
        # Forks share pages with their parents: look closely, which takes a while.
        if sum(map(proportional, family)) - limits["base"] > limits["memory"]:
            return "memory"
    return "disk" if _too_many_bytes(limits["folders"], family, limits["disk"]) else None


def most_tasks(processes: int) -> int:
    """Return how many threads so many processes may have together: TensorFlow has some for every core."""
    return processes + 10 * (os.cpu_count() or 1)


def most_numbers(processes: int) -> int:
    """Return how many the operating system must allow for that, with those that have just ended."""
    return most_tasks(processes) + ENDED


def children(pid: int | str) -> list[int]:
    """Return the children of a process, by their numbers in /proc."""
    found = []
    for task in _tasks(pid):
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def descendants(pid: int | str) -> Iterator[int]:
    """Yield a process's children, theirs, and so on."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def resident(pid: int | str) -> int:
    """Return a process's own memory in bytes: what is in use and in no file."""
    return _sum(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:"))


def proportional(pid: int | str) -> int:
    """Return the same, shared pages divided among those who share them."""
    found = _sum(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))
    return found or resident(pid)


def _tasks(pid: int | str) -> list[Path]:
    with suppress(OSError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []


def _sum(path: str, names: tuple[str, ...]) -> int:
    try:
        with open(path) as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(names))
    except OSError:  # it has just ended, or is not ours to look into
        return 0


def _too_many_bytes(folders: list[str], family: list[int], most: int) -> bool:
    used = number = 0
    try:
        for status in chain(_below(folders), _unlinked(family)):
            used += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) else 0
            number += 1
            if used > most or number > FILES:
                return True
    except OSError as error:  # deeper than a path is long: nobody does that by mistake
        return error.errno == errno.ENAMETOOLONG
    return False


def _below(folders: list[str]) -> Iterator[os.stat_result]:
    """Yield what every file below is like, without recursion: the code may nest folders as it likes."""
    waiting = list(folders)
    while waiting:
        with suppress(FileNotFoundError, PermissionError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _unlinked(family: list[int]) -> Iterator[os.stat_result]:
    """Yield the same of open files that have no name any more."""
    for pid in family:
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    status = os.stat(f"/proc/{pid}/fd/{fd}")
                    if status.st_nlink == 0:
                        yield status
