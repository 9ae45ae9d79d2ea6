"""Silence for the converter: C++ code that writes to standard error whatever the log level, and a logger."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Discard what C++ code writes to standard error, TensorFlow's notices, and Python's warnings.

    Exceptions come through, and so do the logger's errors.
    """
    log = logging.getLogger("tensorflow")
    level, saved, sink = log.level, os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        log.setLevel(logging.ERROR)  # "Assets written to …", of a folder that is gone in a moment
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
