"""Memory it takes to make masks of 25 million weights: the peak of the process over the size of the weights.

python benchmarks/bench_memory.py   # Linux only: it resets the kernel's record of the peak
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from course_lib.pruning import globally, layerwise, make_masks, prunable_variables

PROCESS = Path("/proc/self")


def status(key):
    """One line of the kernel's account of this process, in bytes."""
    return (
        next(int(li.split()[1]) for li in (PROCESS / "status").read_text().splitlines() if key in li) * 1024
    )


def main():
    if not (PROCESS / "clear_refs").exists():
        sys.exit("bench_memory needs Linux: it reads /proc/self.")
    keras.utils.set_random_seed(0)
    # Two layers of 50 MB: arrays of that size get pages of their own, given back as soon as they are freed.
    model = keras.Sequential([keras.Input((3536,)), *(keras.layers.Dense(3536) for _ in range(2))])
    variables = prunable_variables(model)
    weights = sum(v.numpy().nbytes for v in variables.values())
    make_masks(model, 0.5)
    for scope in (globally, layerwise):
        (PROCESS / "clear_refs").write_text("5")
        before = status("VmRSS")
        masks = make_masks(model, 0.9, scope=scope)
        print(f"{weights / 4:,.0f} weights, {scope.__name__}: {masks!r}")
        print(f"  peak extra / weights  {(status('VmHWM') - before) / weights:.2f}")
        del masks


if __name__ == "__main__":
    main()
