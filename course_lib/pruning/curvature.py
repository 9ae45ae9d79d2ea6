"""Criteria from second derivatives and squared ones: functions model → {variable path: scores}.

Larger = keep. What they take and raise, and how the model runs: see `gradients.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from .criteria import Criterion
from .examples import Loss, averaged
from .gradients import differentiated, gradients_of, weights_of
from .select import Arrays


def grasp(x: Any, y: Any, loss: Loss = None) -> Criterion:
    """Scores w · (Hg): how much the squared norm of the gradient falls when w goes, to first order (halved).

    Meant for before training (Wang et al. 2020, arXiv:2002.07376; here at temperature 1). The paper's score
    is −w · (Hg), and it prunes the *highest*; here the sign is turned, so that larger = keep as everywhere.
    """

    def score(model: keras.Model) -> Arrays:
        whole = list(gradients_of(model, x, y, loss).values())  # of all examples, before H is averaged

        def product(mean_loss: Callable, weights: list, x: Any, y: Any) -> tuple:
            vectors = [tf.cast(g, w.dtype) for g, w in zip(whole, weights, strict=True)]
            return mean_loss(x, y), _hessian_product(mean_loss, weights, vectors, x, y)

        products = averaged(model, x, y, loss, product)
        return {path: w * products[path] for path, w in weights_of(model).items()}

    return score


def fisher(x: Any, y: Any, loss: Loss = None) -> Criterion:
    """Scores w²/2 · mean over examples i of g_i²: the change of the loss with the Fisher diagonal as Hessian.

    Theis et al. 2018, arXiv:1801.05787. g_i is the gradient of example i alone (squares of a batch's gradient
    would cancel near a minimum), with the given targets. Memory: two gradients, for any number of examples.
    """

    def squares(mean_loss: Callable, weights: list, x: Any, y: Any) -> tuple:
        def add(totals: list, example: tuple) -> list:
            alone = keras.tree.map_structure(lambda a: a[None], example)
            _, gradients = differentiated(mean_loss, weights, *alone)
            return [t + tf.cast(g, t.dtype) ** 2 for t, g in zip(totals, gradients, strict=True)]

        # Not vectorized_map: twice as slow for residual nets, and it cannot differentiate a GRU.
        zeros = [tf.zeros(w.shape, tf.float64) for w in weights]
        totals = tf.foldl(add, (x, y), zeros, parallel_iterations=1)
        return mean_loss(x, y), [t / keras.tree.flatten(x)[0].shape[0] for t in totals]

    def score(model: keras.Model) -> Arrays:
        means = averaged(model, x, y, loss, squares)
        return {path: w * w / 2 * means[path] for path, w in weights_of(model).items()}

    return score


def obd(x: Any, y: Any, loss: Loss = None, samples: int = 32, seed: int = 0) -> Criterion:
    """Scores w²/2 · h, h the diagonal of the Hessian: Optimal Brain Damage (LeCun et al. 1990).

    h is estimated as the mean over `samples` random sign vectors v of v · (Hv) (Hutchinson): exact where H is
    diagonal, else with an error that falls as 1/√samples. h < 0 says that the loss falls without the weight.
    Raises: ValueError unless samples ≥ 1.
    """
    if not samples >= 1:
        raise ValueError(f"samples must be at least 1. Received: {samples}.")

    def diagonal(mean_loss: Callable, weights: list, x: Any, y: Any) -> tuple:
        def add(totals: list, k: Any) -> list:
            signs = [_signs(w, seed, k * len(weights) + i) for i, w in enumerate(weights)]
            products = _hessian_product(mean_loss, weights, signs, x, y)
            return [t + v * p / samples for t, v, p in zip(totals, signs, products, strict=True)]

        zeros = [tf.zeros(w.shape, w.dtype) for w in weights]
        # A fold, because unrolled the graph, and in a batch the memory, would grow with the samples.
        return mean_loss(x, y), tf.foldl(add, tf.range(samples), zeros, parallel_iterations=1)

    def score(model: keras.Model) -> Arrays:
        means = averaged(model, x, y, loss, diagonal)
        return {path: w * w / 2 * means[path] for path, w in weights_of(model).items()}

    return score


def _hessian_product(mean_loss: Callable, weights: list, vectors: list, x: Any, y: Any) -> list:
    """H · v without H: the gradient of g · v (Pearlmutter 1994)."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        _, gradients = differentiated(mean_loss, weights, x, y)
        along = tf.add_n([tf.reduce_sum(g * v) for g, v in zip(gradients, vectors, strict=True)])
    products = tape.gradient(along, weights, unconnected_gradients="zero")
    return [tf.convert_to_tensor(p) for p in products]


def _signs(like: Any, seed: int, draw: Any) -> Any:
    coin = tf.random.stateless_uniform(like.shape, [seed, draw], 0, 2, tf.int32)
    return tf.cast(2 * coin - 1, like.dtype)
