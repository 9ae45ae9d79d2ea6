"""Try prunings on a copy of a model: what `of_model` of ThresholdHistogram and LayerBudgets measure."""

from __future__ import annotations

import keras
import numpy as np

from course_lib.pruning import Masks, above, magnitude, make_masks, measure, per_layer

BATCH = 1024


class ModelTrial:
    """A copy of a Keras model, cut in any way and measured; the model given stays as it is.

    `weights` are its prunable weights, {variable path: array}.
    """

    def __init__(self, model: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
        self._full, self._cut = keras.models.clone_model(model), keras.models.clone_model(model)
        self._full.set_weights(model.get_weights())
        self._x, self._labels = x, _labels(np.asarray(y))
        everything = make_masks(self._full, None, magnitude(), scope=above(-1.0))
        self.weights = {path: np.asarray(v) for path, v in everything.variables(self._full).items()}

    def measure_at(self, threshold: float) -> dict[str, float]:
        """Return sparsity, zipped bytes and accuracy with the weights up to `threshold` removed."""
        masks = make_masks(self._full, None, magnitude(), scope=above(threshold))
        accuracy = self._accuracy(masks)
        return {
            "sparsity": masks.sparsity,
            "bytes": measure.gzip_bytes(self._cut),
            "accuracy": accuracy,
        }

    def accuracy_of(self, table: dict[str, float]) -> float:
        """Return the accuracy with these shares of the smallest weights removed, {path or layer: share}."""
        return self._accuracy(make_masks(self._full, None, magnitude(), scope=per_layer(table)))

    def _accuracy(self, masks: Masks) -> float:
        self._cut.set_weights(self._full.get_weights())
        masks.apply(self._cut)
        return float(np.mean(self._predicted() == self._labels))

    def _predicted(self) -> np.ndarray:
        # Called, not `predict`ed: the first predict of a new model compiles for longer than all this takes.
        parts = [self._x[i : i + BATCH] for i in range(0, len(self._x), BATCH)]
        return _labels(np.concatenate([np.asarray(self._cut(part, training=False)) for part in parts]))


def _labels(scores: np.ndarray) -> np.ndarray:
    """Class numbers from probabilities, one-hot rows, one probability a row, or class numbers themselves."""
    if scores.ndim == 1:
        return scores
    return scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0.5).astype(int)
