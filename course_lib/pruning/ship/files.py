"""Files that are whole or not there: written beside their place, checked, then moved."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .compare import Difference


class Exported(NamedTuple):
    """A file that was loaded again and compared with the model: where it is, its size, how far it is off.

    `bytes` on disk and after `gzip` (what a download costs); `difference` as in `Difference`.
    """

    path: Path
    bytes: int
    gzip: int
    difference: Difference

    def __str__(self) -> str:
        return f"{self.path.name}: {self.bytes:,} bytes, gzip {self.gzip:,}; {self.difference}"


def exported(path: str | os.PathLike, difference: Difference) -> Exported:
    """What to tell of a file that has been handed over."""
    content = Path(path).read_bytes()
    return Exported(Path(path), len(content), len(gzip.compress(content, 6, mtime=0)), difference)


@contextmanager
def replacing(path: str | os.PathLike, suffix: str) -> Iterator[Path]:
    """A path in a hidden folder beside `path`: what is written there takes its place at the end.

    If anything is raised before, `path` is as it was, and the hidden folder is gone. The move is one
    `os.replace`: other programs see the old file or the new one, never half of it.
    Raises: ValueError for another ending than `suffix`, OSError for a folder that cannot be written to.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"The name of this file must end in {suffix}. Received: {str(path)!r}.")
    if path.is_dir():
        raise IsADirectoryError(f"There is a folder where the file should go. Received: {str(path)!r}.")
    try:
        folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".exporting-")
    except OSError as error:
        raise OSError(
            f"Cannot write to {str(path.parent)!r}: {error.strerror}. Choose a folder of yours that exists."
        ) from error
    with folder as inside:
        yield Path(inside) / path.name
        os.replace(Path(inside) / path.name, path)
