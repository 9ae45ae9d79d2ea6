"""How much faster is half the channels? Latency beside multiply-accumulates, in Keras and LiteRT.

python benchmarks/bench_structured.py          # MobileNetV2, small images, batches of 1 and 8
python benchmarks/bench_structured.py --full   # ResNet50 too, 224 × 224, batches of 1 and 32

Half of the coupled channels of every group go; which ones does not matter to the clock, so the weights are
random. All sides of a table take turns in one run. The second table says where the time goes: every layer of
a kind is called alone, and its bytes are the inputs, weights and outputs it must move.
"""

import argparse
import contextlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import rows
import tensorflow as tf
from kinds import by_kind

from course_lib.pruning import Channels, interleaved, layerwise, macs, make_masks, random, shrink

warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")
MODELS = {"MobileNetV2": keras.applications.MobileNetV2, "ResNet50": keras.applications.ResNet50}
THREADS = (1, 2)


def compiled(model: keras.Model, x: np.ndarray) -> Callable:
    """A call of the model as one TensorFlow graph, on all cores."""
    run, x = tf.function(lambda x: model(x, training=False), autograph=False), tf.constant(x)
    return lambda: run(x).numpy()


def lite(flat: bytes, x: np.ndarray, threads: int) -> Callable:
    """A call of a LiteRT model (float, XNNPACK), on this many threads."""
    interpreter = tf.lite.Interpreter(model_content=flat, num_threads=threads)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, x)
    return interpreter.invoke


def flat(model: keras.Model) -> bytes:
    """The model as a LiteRT file."""
    with contextlib.redirect_stdout(io.StringIO()):  # it lists every weight
        return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def halves(name: str, size: int) -> tuple[keras.Model, keras.Model]:
    """A model of keras.applications, and it with half of its coupled channels."""
    model = MODELS[name](weights=None, input_shape=(size, size, 3))
    return model, shrink(model, make_masks(model, 0.5, random(0), Channels(model), layerwise))


def latency(pair: tuple, files: list[bytes], batch: int, rounds: int) -> list[list[str]]:
    """Lines of the first table: [where, milliseconds of both, ratio and its quartiles]."""
    x = np.random.default_rng(0).random((batch, *pair[0].input_shape[1:]), np.float32)
    makers = {f"Keras, {os.cpu_count()} threads": [compiled(model, x) for model in pair]}
    for threads in THREADS:
        makers[f"LiteRT, {threads} thread{'s'[: threads - 1]}"] = [lite(file, x, threads) for file in files]
    sides = {
        f"{name} {part}": call
        for name, calls in makers.items()
        for part, call in zip("ab", calls, strict=True)
    }
    spent = interleaved(sides, rounds)
    lines = []
    for name in makers:
        whole, half = (f"{spent.median(f'{name} {part}') * 1e3:.1f} ms" for part in "ab")
        ratio = spent.ratio(f"{name} b", f"{name} a")
        lines.append(
            [f"batch {batch}, {name}", whole, half, f"{ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"]
        )
    return lines


def examined(name: str, size: int, batches: list[int], rounds: int) -> str:
    """The text about one model."""
    pair = halves(name, size)
    files = [flat(model) for model in pair]
    counts = [(m.count_params(), macs(m).total) for m in pair]
    (parameters, products), (fewer, less) = counts
    lines = [line for batch in batches for line in latency(pair, files, batch, rounds)]
    return "\n\n".join([
        f"### {name}, {size} × {size}",
        f"Parameters {parameters:,} → {fewer:,}, **{fewer / parameters:.2f}** of them; multiply-accumulates "
        f"{products / 1e6:,.0f} → {less / 1e6:,.0f} million, **{less / products:.2f}**.",
        rows.table(["", "whole", "half", "latency ratio (quartiles)"], lines),
        by_kind(pair, batches[-1], rounds),
    ])  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="both models, 224 × 224, batches of 1 and 32")
    parser.add_argument("--size", type=int, help="height and width of the images")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--write", type=Path, help="put the tables into this file, between its marks")
    arguments = parser.parse_args()
    names, size, batches = (list(MODELS), 224, [1, 32]) if arguments.full else (["MobileNetV2"], 96, [1, 8])
    texts = [examined(name, arguments.size or size, batches, arguments.rounds) for name in names]
    print("\n\n".join(texts))
    if arguments.write:
        rows.write(arguments.write, "speed", "\n\n".join(texts))


if __name__ == "__main__":
    main()
