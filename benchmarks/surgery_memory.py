"""How much memory and time does it take to shrink the largest model of keras.applications by half?

In float32, as users have it, in a process of its own; memory is the most this process ever had resident
(`resource.getrusage`), less what Keras alone takes, in sizes of the model: so it holds the model itself, the
masks and the smaller model. Prints one line a model: `python benchmarks/surgery_memory.py ResNet50`.
"""

import resource
import subprocess
import sys
import time

import keras

from course_lib.pruning import Channels, layerwise, magnitude, make_masks, raw_bytes, shrink

NAMES = ["ResNet50", "ConvNeXtXLarge"]


def peak() -> int:
    """The most bytes this process ever had in memory (Linux counts in KiB)."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(name: str) -> None:
    """Print the line of one model."""
    keras.layers.Dense(1)(keras.Input((1,)))  # all that Keras loads late
    alone = peak()
    model = getattr(keras.applications, name)(weights=None)
    size, built = raw_bytes(model), peak()
    start = time.perf_counter()
    channels = Channels(model)
    traced = time.perf_counter() - start
    masks = make_masks(model, 0.5, magnitude(2), channels, layerwise)
    start = time.perf_counter()
    small = shrink(model, masks)
    left, most, to_build = small.count_params() / model.count_params(), peak() - alone, built - alone
    print(
        f"{name}: {size / 1e6:,.0f} MB, shrunk to {left:.2f}×; most memory {most / size:.2f}× the model "
        f"({to_build / size:.2f}× to build it); traced in {traced:.1f} s, "
        f"shrunk in {time.perf_counter() - start:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        measure(sys.argv[2])
    else:
        for model_name in sys.argv[1:] or NAMES:
            subprocess.run([sys.executable, __file__, "--alone", model_name], check=True)
