"""Keras on TensorFlow, imported without the start-up notices that look like errors in a notebook."""

import contextlib
import os
from collections.abc import Iterator

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what C++ code writes to standard error; Python exceptions still come through."""
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


# "Could not find cuda drivers" and "failed call to cuInit" come from C++ and heed no log level; the first
# appears on import, the second when TensorFlow first looks for devices.
with quiet_stderr():
    import keras
    import tensorflow

    tensorflow.config.list_physical_devices()

__all__ = ["keras", "quiet_stderr"]
