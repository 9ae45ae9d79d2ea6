"""Masks: which weights of a model are kept."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from .variables import named_variables, prunable_variables


class Masks(dict):
    """A dict of variable path → bool array of that variable's shape, True = kept.

    Paths are those of `named_variables(model)`. Usually they are a model's kernels and embeddings, but any
    weight may have a mask (structured pruning masks biases too). Raises: TypeError for arrays that are not
    bool.
    """

    def __init__(self, masks: Mapping[str, np.ndarray] = ()) -> None:
        if not isinstance(masks, Mapping | tuple):
            raise TypeError(f"Masks are made of a dict, path → bool array. Received: {type(masks).__name__}.")
        super().__init__(masks)
        for path, mask in self.items():
            if getattr(mask, "dtype", None) != np.bool_:
                raise TypeError(
                    f"The mask of {path!r} must be a NumPy array of bool, True = kept. "
                    f"Received: {getattr(mask, 'dtype', type(mask).__name__)}. Write `mask != 0`."
                )

    @classmethod
    def from_zeros(cls, model: keras.Model) -> Masks:
        """The masks a pruned model carries in its own zeros: every prunable weight that is 0 is masked.

        For models that lost their constraints, as those from `load_model` and `clone_model` do: `hold` the
        result.
        """
        return cls({path: np.asarray(v) != 0 for path, v in prunable_variables(model).items()})

    @property
    def sparsity(self) -> float:
        """Share of masked weights among all weights that have a mask, in [0, 1]; 0.0 without any."""
        return 1 - self._kept / self._total if self._total else 0.0

    def apply(self, model: keras.Model) -> None:
        """Set the masked weights of a model to zero, in place and once; training moves them again (see
        `hold`).

        Raises: ValueError, with nothing changed, if these are the masks of another model.
        """
        for path, variable in self.variables(model).items():
            variable.assign(zeroed(variable, self[path]))

    def variables(self, model: keras.Model) -> dict[str, keras.Variable]:
        """The model's variables that have a mask here, {path: variable}, in the order of the masks.

        Raises: ValueError if a path or a shape does not fit the model.
        """
        named = named_variables(model)
        for path, mask in self.items():
            if path not in named:
                known = ", ".join(prunable_variables(model))
                raise ValueError(
                    f"These are the masks of another model: model {model.name!r} has no variable {path!r}. "
                    f"Its prunable variables: {known}."
                )
            if tuple(named[path].shape) != mask.shape:
                raise ValueError(
                    f"These are the masks of another model: in model {model.name!r}, {path!r} has shape "
                    f"{tuple(named[path].shape)}. Received a mask of shape {mask.shape}."
                )
        return {path: named[path] for path in self}

    @property
    def _total(self) -> int:
        return sum(mask.size for mask in self.values())

    @property
    def _kept(self) -> int:
        return sum(int(np.count_nonzero(mask)) for mask in self.values())

    def __repr__(self) -> str:
        kept = (
            f"kept {self._kept:,} of {self._total:,} weights in {len(self)} variable{'s'[len(self) == 1 :]}"
        )
        return f"Masks(sparsity={self.sparsity:.4f}, {kept})"


def zeroed(value: keras.Variable, mask: np.ndarray) -> object:
    """The value where the mask is true, else +0.0, as a tensor.

    Not a product: w · 0 is NaN for a weight that overflowed, and −0.0 for negative w, which does not zip:
    a million weights at 90 % take 785 kB as a product and 557 kB so.
    """
    return keras.ops.where(keras.ops.cast(mask, "bool"), value, 0)


def zeroed_array(value: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A new array with the value where the mask of its shape is true, else +0.0, for any type of number.

    By its bits: `np.where` and an assignment by mask guess for every weight which way it goes, and take ten
    times as long where the mask has no pattern.
    """
    bits = np.dtype(f"i{value.dtype.itemsize}")
    return (value.view(bits) & np.negative(mask.view(np.int8)).astype(bits)).view(value.dtype)
