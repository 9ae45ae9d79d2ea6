"""Early exit: examples that are easy leave a network before its end, and the rest of it is not computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from .examples import batches
from .exits import distributions, exit_costs, top_probability

Confidence = Callable[[np.ndarray], np.ndarray]


class Exits(NamedTuple):
    """What `exit_early` gives: `outputs` (n, classes), and `exits` (n,), the exit each example took, from 0.

    `costs` (exits,): the multiply-accumulates of one example up to each exit.
    """

    outputs: np.ndarray
    exits: np.ndarray
    costs: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """The share of examples that took each exit, (exits,)."""
        return np.bincount(self.exits, minlength=len(self.costs)) / len(self.exits)

    @property
    def macs(self) -> float:
        """Expected multiply-accumulates of one example: Σ share · cost over the exits."""
        return float(self.shares @ self.costs)

    def accuracy(self, y: Any) -> float:
        """The share of examples whose likeliest class is their label; `y` (n,), classes from 0."""
        return float(np.mean(distributions(self.outputs).argmax(axis=-1) == np.reshape(y, -1)))


def exit_early(
    model: keras.Model,
    x: Any,
    threshold: float,
    confidence: Confidence = top_probability,
    masks: Mapping[str, np.ndarray] | None = None,
) -> Exits:
    """Predict, where every example leaves at the first exit that is surer than the threshold.

    `model` is Functional with one output an exit, in the order they are tried (see `add_exits`); the last one
    takes all that are left. What lies behind an exit runs only on the examples that did not leave. Threshold
    0 sends all out at the first exit, 1 none before the last. Exits give probabilities, (n, classes), or
    (n, 1) for two classes; `confidence` makes (n,) numbers in [0, 1] of them: `top_probability`, `certainty`.
    `masks` cost nothing, as in `macs`.
    Raises: ValueError for a model without exits, a threshold outside [0, 1] and what is no probability.
    """
    _check(model, threshold)
    stages = _stages(model)
    found = [_run(model, stages, xs, threshold, confidence) for xs, _, _ in batches(x)]
    return Exits(*map(np.concatenate, zip(*found, strict=True)), exit_costs(model, masks))


def exit_frontier(
    model: keras.Model,
    x: Any,
    thresholds: Iterable[float],
    confidence: Confidence = top_probability,
    masks: Mapping[str, np.ndarray] | None = None,
) -> dict[float, Exits]:
    """What `exit_early` gives at each threshold, {threshold: Exits}, from one run through all exits.

    Draw `accuracy(y)` against `macs`: what accuracy costs. Arguments and errors as there.
    """
    thresholds = list(thresholds)
    for threshold in thresholds:
        _check(model, threshold)
    parts = [model(xs, training=False) for xs, _, _ in batches(x)]
    outputs = np.stack([np.concatenate(exit) for exit in zip(*parts, strict=True)])
    costs, every = exit_costs(model, masks), np.arange(outputs.shape[1])
    found = {}
    for threshold in thresholds:
        leaves = np.stack([_leaves(exit, threshold, confidence) for exit in outputs])
        leaves[-1] = True
        exits = leaves.argmax(axis=0)
        found[threshold] = Exits(outputs[exits, every], exits, costs)
    return found


def _leaves(outputs: Any, threshold: float, confidence: Confidence) -> np.ndarray:
    sure = confidence(distributions(outputs)) > threshold
    # A softmax may round to 1, and an entropy below 0: the ends of the scale mean all and none.
    return np.full_like(sure, threshold == 0) if threshold in (0, 1) else sure


def _run(model: keras.Model, stages: list, x: Any, threshold: float, confidence: Confidence) -> tuple:
    """One batch through the graph, node by node; behind each exit only the rows that stay are kept."""
    live = dict(zip(map(id, model.inputs), model._standardize_inputs(x), strict=True))
    rows, exits, outputs = np.arange(len(live[id(model.inputs[0])])), None, None
    for number, (nodes, output) in enumerate(zip(stages, model.outputs, strict=True)):
        for node in nodes:
            args, kwargs = node.arguments.fill_in(live)
            results = node.operation(*args, **kwargs)
            live |= zip(map(id, node.outputs), keras.tree.flatten(results), strict=True)
        here = np.asarray(live[id(output)])
        leaves = _leaves(here, threshold, confidence) | (number == len(stages) - 1)
        if exits is None:
            exits, outputs = np.zeros(len(rows), int), np.empty_like(here)
        exits[rows[leaves]], outputs[rows[leaves]] = number, here[leaves]
        if leaves.all():
            break
        rows, stay = rows[~leaves], np.flatnonzero(~leaves)
        live = {name: _taken(tensor, stay, len(leaves)) for name, tensor in live.items()}
    return outputs, exits


def _taken(tensor: Any, stay: np.ndarray, count: int) -> Any:
    """These rows of a tensor and of its padding mask."""
    if tensor.shape[:1] != (count,):
        return tensor  # what has no examples: a table of positions, say
    kept, mask = keras.ops.take(tensor, stay, axis=0), getattr(tensor, "_keras_mask", None)
    if mask is not None:
        kept._keras_mask = keras.ops.take(mask, stay, axis=0)
    return kept


def _stages(model: keras.Model) -> list[list]:
    """The nodes of the graph that each exit needs beyond those of the exits before it, in order."""
    stages, done = [], set()
    for output in model.outputs:
        by_depth = keras.Model(model.inputs, output)._nodes_by_depth
        nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
        stages.append([node for node in nodes if not node.is_input and id(node) not in done])
        done |= {id(node) for node in nodes}
    return stages


def _check(model: keras.Model, threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be in [0, 1]. Received: {threshold}.")
    if len(getattr(model, "outputs", None) or ()) < 2:
        raise ValueError(
            "Early exit needs a Functional model with an output for each exit, as add_exits makes. "
            f"Received: {getattr(model, 'name', model)!r}."
        )
