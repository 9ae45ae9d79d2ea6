"""Does what was exported compute what the model computes?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from ..variables import trained_part

# The relative error of sums in a layer's arithmetic: some hundred times the distance of two numbers.
_TOLERANCE = {"float16": 2e-2, "bfloat16": 1e-1}


class Inputs(NamedTuple):
    """What a model takes: a structure of KerasTensors, and the same as a flat list."""

    structure: Any
    flat: list[keras.KerasTensor]


class Difference(NamedTuple):
    """How far outputs are from the model's, the worst of its outputs; 0 is equal.

    `largest` = max |got − expected| / max |expected|, `typical` the same with root mean squares, and
    `agreement` the share of rows whose largest entry stands at the same place (None without rows of two).
    """

    largest: float
    typical: float
    agreement: float | None

    def __str__(self) -> str:
        same = "" if self.agreement is None else f", same answer {self.agreement:.2%}"
        return f"largest difference {self.largest:.1e}{same}"


def inputs_of(model: keras.Model, x: Any = None) -> Inputs:
    """The inputs that a model declares, or else inputs like `x`. Raises: ValueError if neither is known."""
    model = trained_part(model)
    graph = getattr(model, "_functional", None) or model
    if getattr(graph, "inputs", None):
        structure = graph._inputs_struct
    elif x is not None:
        structure = keras.tree.map_structure(lambda a: _like(np.asarray(a)), x)
    else:
        structure = _as_built(model)
    return Inputs(structure, keras.tree.flatten(structure))


def examples(model: keras.Model, x: Any = None, count: int = 32) -> list[np.ndarray]:
    """The first `count` examples of `x`, or random ones: one array for each input, in the model's order.

    Random inputs are normal, and where the model has an Embedding, integers that all its Embeddings know.
    """
    inputs = inputs_of(model, x)
    arrays = _random(trained_part(model), inputs, count) if x is None else _flat(inputs, x)
    if len(arrays) != len(inputs.flat):
        raise ValueError(f"The model has {len(inputs.flat)} inputs. Received: {len(arrays)} arrays.")
    return [
        np.asarray(a)[: t.shape[0] or count].astype(t.dtype) for a, t in zip(arrays, inputs.flat, strict=True)
    ]


def answers(model: keras.Model, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a model at rest (training=False), a flat list of float or integer arrays."""
    model = trained_part(model)
    structure = inputs_of(model, arrays if len(arrays) > 1 else arrays[0]).structure
    outputs = model(keras.tree.pack_sequence_as(structure, arrays), training=False)
    return [keras.ops.convert_to_numpy(out) for out in keras.tree.flatten(outputs)]


def difference(got: list[np.ndarray], expected: list[np.ndarray]) -> Difference:
    """The `Difference` of two lists of outputs. Raises: ValueError for other shapes, NaN and infinity."""
    shapes = [[np.shape(a) for a in arrays] for arrays in (got, expected)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"The exported file gives outputs of shapes {shapes[0]}, the model {shapes[1]}.")
    each = [_of_one(np.float64(a), np.float64(b)) for a, b in zip(got, expected, strict=True)]
    agreements = [d.agreement for d in each if d.agreement is not None]
    return Difference(
        max(d.largest for d in each), max(d.typical for d in each), min(agreements, default=None)
    )


def check(
    run: Callable, model: keras.Model, x: Any = None, tolerance: float | None = None, typical: bool = False
) -> Difference:
    """The `Difference` of `run` from the model on `x` (or random inputs), if it is within the tolerance.

    The tolerance is one on the `largest` difference, by default 1e-5 (more for models that compute in half
    precision); `typical=True` takes it on the `typical` one. Raises: ValueError beyond it.
    """
    arrays = examples(model, x)
    got = run(arrays if len(arrays) > 1 else arrays[0])
    found = difference(got if isinstance(got, list) else [got], answers(model, arrays))
    bound = tolerance_of(model) if tolerance is None else tolerance
    if not (found.typical if typical else found.largest) <= bound:
        kind = "typical" if typical else "largest"
        raise ValueError(
            f"The exported file does not compute what model {model.name!r} does, and was not kept. "
            f"Received: {kind} difference {getattr(found, kind):.2g} where {bound:g} is allowed; {found}."
        )
    return found


def tolerance_of(model: keras.Model) -> float:
    """1e-5, or what half precision in any of a model's layers allows."""
    kinds = {layer.compute_dtype for layer in trained_part(model)._flatten_layers()}
    return max(_TOLERANCE.get(kind, 1e-5) for kind in kinds)


def _of_one(got: np.ndarray, expected: np.ndarray) -> Difference:
    if np.isnan(got).any() or not np.isfinite(expected).all():
        side = "model" if not np.isfinite(expected).all() else "exported file"
        raise ValueError(f"Nothing to compare: the {side} gives NaN or infinite outputs.")
    if not expected.size:
        return Difference(0.0, 0.0, None)
    off = got - expected
    largest = np.abs(off).max() / (np.abs(expected).max() or 1)
    typical = np.sqrt(np.mean(off**2)) / (np.sqrt(np.mean(expected**2)) or 1)
    rows = expected.ndim > 1 and expected.shape[-1] > 1
    same = float(np.mean(got.argmax(-1) == expected.argmax(-1))) if rows else None
    return Difference(float(largest), float(typical), same)


def _like(array: np.ndarray) -> keras.KerasTensor:
    return keras.KerasTensor((None, *array.shape[1:]), str(array.dtype))


def _as_built(model: keras.Model) -> keras.KerasTensor:
    shape = (model.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, tuple | list) or not all(isinstance(n, int | None) for n in shape):
        raise ValueError(
            f"Model {model.name!r} does not declare its inputs. Pass an example or more: x=images[:8]."
        )
    return keras.KerasTensor((None, *shape[1:]), model.input_dtype)


def _flat(inputs: Inputs, x: Any) -> list:
    if isinstance(x, dict) and not isinstance(inputs.structure, dict):
        if missing := [t.name for t in inputs.flat if t.name not in x]:
            raise ValueError(f"No values for the inputs {missing}. Received: {list(x)}.")
        return [x[t.name] for t in inputs.flat]
    return keras.tree.flatten(x)


def _random(model: keras.Model, inputs: Inputs, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    embeddings = [e for e in model._flatten_layers() if isinstance(e, keras.layers.Embedding)]
    top = min((e.input_dim for e in embeddings), default=2)
    arrays = []
    for tensor in inputs.flat:
        shape = (tensor.shape[0] or count, *(n or 64 for n in tensor.shape[1:]))
        whole = embeddings or "float" not in tensor.dtype
        arrays.append(rng.integers(0, top, shape) if whole else rng.normal(size=shape))
    return arrays
