"""Models in other precisions, as float32: the only floats LiteRT has kernels for."""

from __future__ import annotations

import keras
import numpy as np


def in_float32(model: keras.Model) -> keras.Model:
    """The model, or where any of its layers computes in another precision, a copy that does not.

    Raises: ValueError for a model of another precision with a call of its own, which cannot be rebuilt.
    """
    if {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}:
        return model
    if not hasattr(getattr(model, "_functional", None) or model, "_nodes_by_depth"):
        raise ValueError(
            "LiteRT computes in float32, and only Functional and Sequential models are rebuilt in it. "
            f"Received: {model.name!r} ({type(model).__name__}). Build it with dtype='float32' and copy the "
            "weights."
        )
    twin = keras.models.clone_model(model, clone_function=_as_float32)
    twin.set_weights([np.asarray(w, np.float32) if w.dtype.kind in "fV" else w for w in model.get_weights()])
    return twin


def _as_float32(layer: keras.Layer) -> keras.Layer:
    return type(layer).from_config({**layer.get_config(), "dtype": "float32"})
