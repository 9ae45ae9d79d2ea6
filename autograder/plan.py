"""What a score depends on, as one key: where the key is the same, there is nothing to grade again."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from autograder.course import Course
from autograder.executor.limits import Limits
from autograder.files import below, is_odd, too_much
from autograder.intake import Submission
from autograder.kernels.room import package_folder
from autograder.master import Master


def key(
    course: Course, submission: Submission, master: Master, limits: Limits, terms: str = ""
) -> str | None:
    """Return a hash of the submission, the lesson with its tests, the limits, Python and its packages.

    `terms` are whatever else decides, such as which of several attempts is the best.
    None for a submission with files that cannot be read: it is never known to be unchanged.
    """
    source = course.path / course.source_directory / master.lesson
    parts = [asdict(master), asdict(limits), environment(limits.packages), *filter(None, [terms])]
    try:
        trees = [list(_tree(attempt.folder)) for attempt in submission.attempts]
        trees.append([*_tree(source, leave=".ipynb")])
    except OSError:
        return None
    return hashlib.sha256(json.dumps([parts, trees], sort_keys=True).encode()).hexdigest()


@cache
def environment(packages: tuple[str, ...]) -> list:
    """Return Python's version, the installed packages, and the files of `packages` outside of them."""
    installed = sorted(f"{d.name}=={d.version}" for d in distributions())
    folders = filter(None, map(package_folder, packages))
    return [sys.version, installed, [list(_tree(Path(folder), only=".py")) for folder in folders]]


def _tree(folder: Path, only: str = "", leave: str = "\0") -> Iterator[tuple[str, str]]:
    """Yield the name and the hash of every file below; what is no plain file is named, never opened."""
    paths = [folder] if is_odd(folder) or folder.is_file() else sorted(below(folder))
    left = too_much(folder)
    for path in paths:
        if is_odd(path):
            yield str(path.relative_to(folder)), os.readlink(path) if path.is_symlink() else "odd"
        elif path in left:
            yield str(path.relative_to(folder)), left[path]
        elif path.is_file() and path.name.endswith(only) and not path.name.endswith(leave):
            with path.open("rb") as file:
                yield str(path.relative_to(folder)), hashlib.file_digest(file, "sha256").hexdigest()
