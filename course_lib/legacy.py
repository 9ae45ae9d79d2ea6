"""Keras 2 (`tf_keras`) and TensorFlow's pruning toolkit (`tfmot`) beside Keras 3, without their notices.

    from course_lib.legacy import Recorder, tf_keras, tfmot, twin

The toolkit prunes models of tf_keras and no others: `twin` makes one of a Keras 3 model, and `Recorder` notes
what the toolkit does to it, for `course_lib.widgets.StepScrubber`.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from course_lib.backend import keras, quiet_stderr
from course_lib.widgets.scrubber import Frame

with quiet_stderr():
    import tensorflow_model_optimization as tfmot
    import tf_keras

# Beside a step of a small network every observer is slow; that is no news to anybody.
tf.get_logger().addFilter(lambda record: "is slow compared to the batch time" not in record.getMessage())

__all__ = ["Recorder", "tf_keras", "tfmot", "twin"]


def twin(model: keras.Sequential) -> tf_keras.Sequential:
    """A tf_keras model with the layers, the weights and the answers of a Keras 3 one; not compiled.

    The two share nothing.  Raises: TypeError for a model that is no Keras 3 Sequential, and ValueError where
    the twin would be another network: a layer that Keras 2 has not, a regularizer, a constraint.
    """
    if not (isinstance(model, keras.Sequential) and model.built):
        raise TypeError(
            f"twin needs a built keras.Sequential of Keras 3. Received: {type(model).__name__} from "
            f"{type(model).__module__}. Give it a keras.Input, or build the tf_keras model by hand."
        )
    made = tf_keras.Sequential([tf_keras.Input(model.input_shape[1:]), *map(_layer, model.layers)])
    for new, old in zip(made.layers, model.layers, strict=True):
        new.set_weights(old.get_weights())
    x = np.random.default_rng(0).uniform(size=[n or 4 for n in model.input_shape]).astype("float32")
    if not np.allclose(made(x, training=False), model(x, training=False), rtol=1e-4, atol=1e-5):
        raise ValueError(f"The twin of {model.name!r} answers otherwise: build the tf_keras model by hand.")
    return made


def _layer(layer: keras.Layer) -> tf_keras.layers.Layer:
    kind = getattr(tf_keras.layers, type(layer).__name__, None)
    if kind is None or type(layer).__module__.split(".")[0] != "keras":
        raise ValueError(f"Keras 2 has no twin of layer {layer.name!r}. Received: a {type(layer).__name__}.")
    config = {name: value for name, value in layer.get_config().items() if value is not None}
    if lost := [name for name in config if name.endswith(("regularizer", "constraint"))]:
        raise ValueError(f"Layer {layer.name!r} has a {lost[0]}, which its twin would lack: remove it first.")
    known = inspect.signature(kind).parameters
    # What Keras writes as a dict are initializers, which no trained layer needs, and the dtype.
    plain = {name: v for name, v in config.items() if name in known and not isinstance(v, dict)}
    try:
        return kind(**plain, name=layer.name)
    except TypeError as error:
        raise ValueError(f"Layer {layer.name!r} has no twin made of plain settings: {error}") from error


class Recorder(tf_keras.callbacks.Callback):
    """Note the masks of a model wrapped by tfmot after every step of `fit`: `frames`, for StepScrubber.

    It stands behind UpdatePruningStep in the list of callbacks.  Accuracy on (x, y), images and class
    numbers, is measured every `every` steps and at the end of each epoch.  Looking changes nothing: what
    tfmot does to weights in a prediction is undone.  A second `fit` goes on with the same list.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, every: int = 5) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self._x, self._y, self._every = x, y, every

    def on_train_begin(self, logs: Any = None) -> None:
        """Note how the run begins."""
        if not self.frames:
            self._note()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note what one step has done."""
        self._note()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look again: UpdatePruningStep has just masked the weights."""
        last = self.frames[-1]
        self.frames[-1] = last._replace(zeros=self._zeros(), accuracy=self._accuracy())

    def _note(self) -> None:
        first = self._wrappers()[0]
        step = max(0, int(first.pruning_step))
        masks = {name: mask.numpy() != 0 for name, _, mask in self._pruned()}
        accuracy = None if step % self._every else self._accuracy()
        self.frames.append(
            Frame(step, masks, float(first.pruning_schedule(step)[1]), self._zeros(), accuracy)
        )

    def _wrappers(self) -> list[Any]:
        found = [layer for layer in self.model.layers if getattr(layer, "pruning_vars", None)]
        if not found:
            raise ValueError("This model has no wrapped layers: give it to prune_low_magnitude first.")
        return found

    def _pruned(self) -> Iterator[tuple[str, tf.Variable, tf.Variable]]:
        """Each pruned weight and its mask; named like its layer, with a number behind further ones."""
        for wrapper in self._wrappers():
            for i, (weight, mask, _) in enumerate(wrapper.pruning_vars):
                yield wrapper.layer.name + (f"#{i + 1}" if i else ""), weight, mask

    def _zeros(self) -> float:
        return float(np.mean(np.concatenate([w.numpy().ravel() for _, w, _ in self._pruned()]) == 0))

    def _accuracy(self) -> float:
        before = [(weight, weight.numpy()) for _, weight, _ in self._pruned()]
        right = np.mean(self.model(self._x, training=False).numpy().argmax(axis=-1) == self._y)
        for weight, value in before:  # calling the wrappers has masked them
            weight.assign(value)
        return float(right)
