"""What tests of surgery share: weights at no special value, inputs for any model, and the law itself."""

import keras
import numpy as np


def unsettle(model, seed=0):
    """Biases, γ, β and moving statistics away from 0 and 1."""
    rng = np.random.default_rng(seed)
    for v in model.weights:
        if "float" in v.dtype and (len(v.shape) < 2 or v.name in ("bias", "alpha")):
            low, high = (0.5, 1.5) if "variance" in v.name or v.name in ("gamma", "scale") else (-0.5, 0.5)
            v.assign(rng.uniform(low, high, tuple(v.shape)))


def examples(model, count=3, seed=1):
    """Random inputs of the right shapes and types, unknown lengths 7."""
    rng = np.random.default_rng(seed)

    def one(t):
        shape = (count, *(7 if n is None else n for n in t.shape[1:]))
        return rng.normal(size=shape).astype(t.dtype) if "float" in t.dtype else rng.integers(0, 9, shape)

    alone = isinstance(model, keras.Sequential)  # one that was never called has no `input`
    return keras.tree.map_structure(one, model.inputs[0] if alone else model.input)


def plain(model):
    """The same compiled without XLA: it takes longer to compile a step than to train these models."""
    model.compile(keras.optimizers.Adam(1e-3), model.loss, metrics=["accuracy"], jit_compile=False)
    return model


def outputs(model, x):
    return [np.asarray(y, np.float64) for y in keras.tree.flatten(model(x, training=False))]


def difference(model, masks, small):
    """The largest relative difference between a model with masks applied (then taken back) and another."""
    x, kept = examples(model), model.get_weights()
    masks.apply(model)
    expected = outputs(model, x)
    model.set_weights(kept)
    found = outputs(small, x)
    assert [a.shape for a in found] == [a.shape for a in expected]
    return max(np.abs(a - b).max() / max(np.abs(b).max(), 1e-3) for a, b in zip(found, expected, strict=True))


def equal(model, masks, small, tolerance=1e-5):
    return difference(model, masks, small) < tolerance
