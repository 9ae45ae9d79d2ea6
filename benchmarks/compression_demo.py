"""The demo that every tutorial shows, with true numbers: a million parameters, half of them pruned.

python benchmarks/compression_demo.py   # about a minute

A perceptron of 1,000,000 parameters learns digits while PolynomialDecay takes its kernels from 0 to 50 % in
1000 steps: here with this engine on Keras 3, there with tfmot on tf_keras, from the same weights, on the same
batches. The zeros are counted in the weights themselves, after the step that is named.
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras

from course_lib import data, models
from course_lib.legacy import twin
from course_lib.pruning import GradualPruning, gzip_bytes, polynomial
from course_lib.pruning.table import as_text

STEPS, EVERY, SHOWN, BATCH = 1000, 100, (100, 500, 1000), 32
TUTORIALS = {100: "5 %", 500: "25 %", 1000: "50 %"}  # the log that is often quoted


def batches(x, y, seed=0):
    """STEPS batches in one order, for both sides; 10 steps more, so that a last update has been applied."""
    order = np.random.default_rng(seed).integers(0, len(x), (STEPS + 10) * BATCH)
    return x[order], y[order]


def kernels(model):
    """The arrays with two axes: what both sides prune."""
    return [np.asarray(w) for w in model.get_weights() if np.ndim(w) == 2]


def zeros(arrays):
    """The share of zeros."""
    return sum(np.sum(a == 0) for a in arrays) / sum(a.size for a in arrays)


def ours(model, stream):
    """Pruned by this engine; {step: share of zeros} and the model."""
    log = {}
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: log.update({step + 1: zeros(kernels(model))})
    )
    pruning = GradualPruning(polynomial(0.5, end=STEPS), every=EVERY)
    model.fit(*stream, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[pruning, note])
    return log, model


def theirs(model, stream):
    """The same by tfmot, without its wrappers in the end. The zeros in its log are those of its masks."""
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.5, begin_step=0, end_step=STEPS, frequency=EVERY)
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(model, schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    log = {}
    masks = [layer.pruning_vars[0][1] for layer in wrapped.layers]
    note = tf_keras.callbacks.LambdaCallback(
        on_batch_end=lambda step, logs: log.update({step + 1: zeros([m.numpy() for m in masks])})
    )
    update = tfmot.sparsity.keras.UpdatePruningStep()
    wrapped.fit(*stream, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[update, note])
    return log, tfmot.sparsity.keras.strip_pruning(wrapped)


def sizes(model, x, y):
    """Bytes of the numbers, zipped, and of a saved file; and accuracy: as texts."""
    flat = np.concatenate([w.reshape(-1) for w in model.get_weights()])
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())  # without the memory of an optimizer
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.keras"
        bare.save(path)
        written = path.read_bytes()
    right = np.mean(np.asarray(model(x)).argmax(-1) == y)
    numbers = flat.size, flat.nbytes, gzip_bytes(flat), len(written), gzip_bytes(np.frombuffer(written, "u1"))
    return [f"{zeros(kernels(model)):.2%}", *(f"{n:,}" for n in numbers), f"{right:.1%}"]


def main():
    split = data.digits(flat=True)
    stream = batches(split.x_train, split.y_train)
    start = models.million_digits()
    dense = models.copy(start)  # with Adam, as the tutorials
    dense.fit(*stream, batch_size=BATCH, shuffle=False, verbose=0)
    our_log, our_model = ours(models.copy(start), stream)
    their_log, their_model = theirs(twin(start), stream)
    cubic = polynomial(0.5, end=STEPS)
    rows = [("after step", "the schedule says", "ours", "tfmot", "tutorials say")]
    for step in SHOWN:
        found = (f"{share:.2%}" for share in (cubic(step), our_log[step], their_log[step]))
        rows.append((f"{step}", *found, TUTORIALS[step]))
    print(as_text(rows), end="\n\n")
    names = ["zeros", "parameters", "bytes", "zipped", ".keras file", "file, zipped", "accuracy"]
    columns = [sizes(m, split.x_test, split.y_test) for m in (dense, our_model, their_model)]
    print(as_text([("", "not pruned", "ours", "tfmot"), *zip(names, *columns, strict=True)]))
    before, after = (int(column[3].replace(",", "")) for column in columns[:2])
    print('\nTutorials say "4.2 MB → 1.8 MB (57 %)". Measured here:', end=" ")
    print(f"{before / 1e6:.2f} MB → {after / 1e6:.2f} MB, {1 - after / before:.0%} less.")


if __name__ == "__main__":
    main()
