"""Channel gating: for every example, compute only those channels of a layer that matter for it."""

from __future__ import annotations

from typing import Any

import keras

from .select import survivors

layers, ops = keras.layers, keras.ops


@keras.saving.register_keras_serializable("pruning")
class ChannelGate(layers.Layer):
    """Keeps the k channels of each example that a small predictor scores highest, and zeroes the others.

    Called on [source, features]: `source` (n, ..., c), what the gated layer is computed from, averaged as |x|
    over positions, goes through one softplus layer to a score for each channel of `features` (n, ...,
    channels). The k = round(keep · channels) best (at least 1) are multiplied by their score, the rest by 0.
    As the scores need the source only, the rest need not be computed: feature boosting and suppression (Gao
    et al. 2019, arXiv:1810.05331; there with ReLU, whose zeros would leave fewer than k). Keras computes all
    channels all the same: `gated_macs` says what a kernel that skips them saves. keep=1 has no predictor and
    is the identity. Channels come last. Load a saved model with `course_lib.pruning` imported.
    Raises: ValueError unless 0 < keep ≤ 1.
    """

    def __init__(self, keep: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < keep <= 1:
            raise ValueError(f"keep must be in (0, 1], the share of channels. Received: {keep}.")
        self.keep = keep

    def build(self, input_shape: Any) -> None:
        """Make the predictor: (channels of the source, channels of the features)."""
        source, features = input_shape
        self.channels = features[-1]
        self.k = survivors(self.channels, 1 - self.keep)
        if self.k < self.channels:
            self.predictor = layers.Dense(
                self.channels, "softplus", bias_initializer="ones", name="predictor", dtype=self.dtype_policy
            )
            self.predictor.build((source[0], source[-1]))

    def call(self, inputs: Any) -> Any:
        """[source, features] → features, all but k channels of each example zero."""
        source, features = inputs
        if self.k == self.channels:
            return features
        scores = self.predictor(_pooled(ops.abs(source)))
        gates = scores * self.chosen(scores)
        return features * ops.reshape(gates, (-1, *[1] * (len(features.shape) - 2), self.channels))

    def chosen(self, scores: Any) -> Any:
        """1 for the k highest scores of each example, the first of equals, else 0: (n, channels)."""
        _, places = ops.top_k(scores, self.k)
        return ops.sum(ops.one_hot(places, self.channels, dtype=scores.dtype), axis=-2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the features."""
        return input_shape[1]

    def get_config(self) -> dict:
        """What `from_config` needs."""
        return {**super().get_config(), "keep": self.keep}


def _pooled(sizes: Any) -> Any:
    """The mean over all positions: (n, ..., channels) → (n, channels)."""
    return ops.mean(sizes, axis=tuple(range(1, len(sizes.shape) - 1))) if len(sizes.shape) > 2 else sizes
