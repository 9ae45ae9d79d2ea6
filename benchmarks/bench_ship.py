"""What pruning brings once a model is shipped: LiteRT's milliseconds, and zipped bytes at equal accuracy.

python benchmarks/bench_ship.py [--rounds 50] [--seeds 3] [--write docs/shipping.md]   # a few minutes

Both sides of each ratio run in turns. Where this machine denies a speed, its roofline tells whether layers
wait for memory or for arithmetic.
"""

import argparse
import contextlib
import gzip
import io
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from course_lib import data, models
from course_lib.pruning import (
    Block,
    Channels,
    GradualPruning,
    fastest_pattern,
    interleaved,
    interpret,
    layerwise,
    machine_limits,
    magnitude,
    make_masks,
    polynomial,
    roofline,
    save_litert,
    shrink,
)

layers = keras.layers
MARKER = "<!-- figures -->"


def verdict(what, ratio, wanted):
    """One line: the ratio with its spread, what was hoped for, and whether it came."""
    print(f"  {what:46} {ratio}   wanted {wanted}×: {'yes' if ratio.median >= wanted else 'NO, not here'}")
    return ratio.median >= wanted


def mobile():
    """A net like MobileNet for images of 96 × 96: a stem, then depthwise and pointwise convolutions."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((96, 96, 3))
    x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(32, 3, 2, "same", use_bias=False)(x)))
    for filters, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1)]:
        x = layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(x)))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="mobile")


def litert(model, folder, x):
    """The model as a LiteRT file on one thread: a function that computes this batch once more."""
    run = interpret(save_litert(model, folder / "a.tflite").path)
    run(x)
    return run.invoke


def half_the_channels(rounds):
    """Channels gone against zeros in the same places, in LiteRT."""
    whole = mobile()
    channels = Channels(whole)
    half = shrink(whole, make_masks(whole, 0.5, magnitude(2), channels, layerwise))
    x = np.random.default_rng(0).random((1, 96, 96, 3), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: litert(m, Path(folder), x) for name, m in {"whole": whole, "half": half}.items()}
    spent = interleaved(sides, rounds, warm_up=5)
    print(f"Half the channels of a net like MobileNet: {whole.count_params():,} → {half.count_params():,}")
    if not verdict("whole / half", spent.ratio("whole", "half"), 3):
        print(roofline({"whole": whole, "half": half}, x, batch=1))


def blocks_in_dense_layers(rounds, sizes=((1024, 1024), (2048, 2048), (4096, 1024))):
    """Patterns of zeros at 90 % in Dense layers, float and int8, each as many times as fast as dense."""
    for inputs, outputs in sizes:
        for int8 in (False, True):
            found = fastest_pattern(inputs, outputs, [0.9], int8=int8, rounds=rounds)
            print(f"Dense {inputs} → {outputs}, {'int8 weights' if int8 else 'float'}, batch 1, 90 % zeros")
            print("  " + repr(found).replace("\n", "\n  "))
            name = found.best(0.9) or repr(Block(4, 1))
            if not int8 and not verdict(f"dense / {name}", found[0.9][name], 3):
                layer = keras.Sequential([keras.Input((inputs,)), layers.Dense(outputs)])
                print(roofline({"dense": layer}, np.zeros((1, inputs), "float32"), 1, machine_limits()))


def zeros_in_convolutions(rounds):
    """The control: single zeros and blocks in a convolution of 1 × 1, against half its outputs."""
    print("Convolution 1 × 1, 256 → 256, 14 × 14 positions, float")
    found = fastest_pattern(256, 256, [0.8, 0.95], image=(14, 14), rounds=rounds)
    print("  " + repr(found).replace("\n", "\n  "))


def lenet(seed):
    """LeNet-300-100 for flat MNIST images."""
    keras.utils.set_random_seed(seed)
    inner = [layers.Dense(n, "relu", name=f"hidden_{n}") for n in (300, 100)]
    return models.compiled(
        keras.Sequential([keras.Input((784,)), *inner, layers.Dense(10, "softmax", name="digits")])
    )


def shipped(model, split, **how):
    """Zipped bytes of the LiteRT file, and the accuracy of what it computes."""
    with tempfile.TemporaryDirectory() as folder:
        path = save_litert(model, Path(folder) / "a.tflite", split.x_train[:256], **how).path
        right = interpret(path)(split.x_test).argmax(-1) == split.y_test
        return len(gzip.compress(path.read_bytes(), 6)), right.mean()


def bytes_and_accuracy(seeds, epochs=12):
    """MNIST-5k: a float model; the same 80 % pruned and tuned as long as the float model once more."""
    split, rows = data.mnist5k(flat=True), []
    for seed in range(seeds):
        model = lenet(seed)
        model.fit(split.x_train, split.y_train, batch_size=32, epochs=epochs, verbose=0)
        pruned = models.copy(model)
        steps = len(split.x_train) // 32 * epochs
        gradual = GradualPruning(polynomial(0.8, end=steps * 2 // 3), every=50)
        model.fit(split.x_train, split.y_train, batch_size=32, epochs=epochs, verbose=0)
        pruned.fit(split.x_train, split.y_train, batch_size=32, epochs=epochs, verbose=0, callbacks=[gradual])
        ways = (model, {}), (pruned, {}), (pruned, {"int8": "activations"})
        rows.append([shipped(m, split, **how) for m, how in ways])
    report_bytes(np.array(rows, float))


def report_bytes(found):
    """`found` (seeds, 3 ways, 2): zipped bytes and accuracy of float, 80 % zeros, 80 % zeros and int8."""
    size, right = found[..., 0], found[..., 1]
    print(
        f"LeNet-300-100 on MNIST-5k, LiteRT files zipped, {len(found)} seeds; float {right[:, 0].mean():.2%}"
    )
    for way, name, wanted in [(1, "80 % zeros", 3), (2, "80 % zeros, int8", 10)]:
        ratios, change = size[:, 0] / size[:, way], right[:, way] - right[:, 0]
        noise = np.sqrt(np.mean(right * (1 - right)) * 2 / 1000 / len(found))  # two accuracies of 1000 images
        outcome = "yes" if ratios.min() >= wanted else "NO, not here"
        print(f"  {name:18} {size[:, way].mean():9,.0f} of {size[:, 0].mean():,.0f} bytes", end="   ")
        print(f"{ratios.mean():.2f}× ({ratios.min():.2f} to {ratios.max():.2f}), wanted {wanted}×: {outcome}")
        print(f"  {'':18} accuracy {change.mean():+.2%}, standard error {noise:.2%}")


def written(path, figures):
    """Put the figures below the marker of a page, whole or not at all."""
    head = path.read_text("utf-8").partition(MARKER)[0]
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{head}{MARKER}\n\n```\n{figures}```\n", "utf-8")
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        half_the_channels(asked.rounds)
        zeros_in_convolutions(asked.rounds)
        blocks_in_dense_layers(asked.rounds)
        bytes_and_accuracy(asked.seeds)
    print(said.getvalue(), end="")
    if asked.write:
        written(asked.write, said.getvalue())


if __name__ == "__main__":
    main()
