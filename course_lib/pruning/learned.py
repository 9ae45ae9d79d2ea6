"""LearnedMasks: train gates together with the weights.

The model runs unchanged inside a `keras.StatelessScope`, in which reading a kernel gives kernel · gate. So
there are no wrapped layers and no training loop of our own: compile and fit as usual.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from .granularity import Element, Granularity
from .holding import refuse_lora
from .masks import Masks
from .scopes import Scope, above, globally
from .select import Arrays
from .units import Units
from .variables import prunable_variables

ops = keras.ops


class LearnedMasks(keras.Model):
    """A model around a model, whose weights pass through learned gates: compile it, fit it, `harden` it.

    `gate`: `StraightThrough`, `HardConcrete`, `LearnedThreshold`, `Attention`, `Sigmoid`, or your own; one
    object for one model. `granularity` says what one gate is for, `within` which layers have gates. Weights
    train too, unless `train_weights=False`; the gates see and train the model's own variables, so what is
    learned stays in `inner`. BatchNormalization and dropout work as in the plain model.

    It cannot be saved whole: `save_weights` serves for checkpoints, and the hardened model is a plain one to
    save. Constraints and penalties apply to the weights before the gate, and BatchNormalization inside a
    loop that TensorFlow compiles (a custom RNN cell) cannot hand its statistics out.
    Raises: what `prunable_variables` does; ValueError for a gate used before and layers with LoRA.
    """

    def __init__(
        self,
        model: keras.Model,
        gate: keras.layers.Layer,
        granularity: Granularity = Element(),  # noqa: B008 (frozen)
        within: Iterable[str | keras.Layer] | None = None,
        train_weights: bool = True,
    ) -> None:
        variables = prunable_variables(model, within)
        refuse_lora(model, variables.values())
        if not callable(getattr(gate, "start", None)):
            raise TypeError(f"gate must be a gate, as StraightThrough(0.9). Received: {gate!r}.")
        if gate.weights:
            raise ValueError(f"This gate is in use: make a new {type(gate).__name__} for each model.")
        units = Units(granularity, {path: tuple(v.shape) for path, v in variables.items()})
        gate.start(model, units)
        super().__init__(name=f"learned_{model.name}", dtype=model.dtype_policy, autocast=False)
        self.inner, self.train_weights, self.hardened = model, train_weights, False
        self.gating = _Gating(gate, units, variables)
        if hasattr(model, "output_names"):
            self.output_names = list(model.output_names)  # by which `compile` may name losses
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The outputs of the model with gated weights; `training` reaches it through Keras's call context."""
        if self.hardened:
            raise ValueError("These masks are hardened: go on with the model that `harden` returned.")
        gated = self.gating(self._step())
        with keras.StatelessScope(collect_losses=True) as scope:
            for variable, value in zip(self.gating.gated, gated, strict=True):
                scope.add_update((variable, value))
            outputs = self.inner(inputs)
        self._carry_out(scope)
        return outputs

    def gates(self) -> Arrays:
        """The gates as in inference, {name of a layer's units: float32 array}."""
        return self.gating.units.named(np.asarray(self.gating.gates(self._step())))

    def masks(self, sparsity: float | None = None, scope: Scope = globally) -> Masks:
        """The units whose gate is above 0, at least one a layer; or at a given sparsity the best by `scope`.

        Raises: ValueError without a sparsity if no gate is 0, as with `Attention` and `Sigmoid`.
        """
        gates = self.gates()
        if sparsity is None:
            row = self.gating.units.row(gates)
            if (row > 0).all() and (row != 1).any():
                raise ValueError("No gate is 0: give the sparsity to cut at, `sparsity=0.9`. Received: None.")
            scope = above(0.0)
        return Masks(self.gating.units.expand(self.gating.units.row(scope(gates, sparsity))))

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """The gates' parameters, and the weights unless `train_weights` is False."""
        return self._training(super().trainable_variables)

    @property
    def trainable_weights(self) -> list[keras.Variable]:
        """As `trainable_variables`."""
        return self._training(super().trainable_weights)

    def get_config(self) -> dict:
        """Refuse: see the class. Raises: NotImplementedError."""
        raise NotImplementedError(
            "LearnedMasks cannot be saved whole. Use save_weights, or harden it and save the model you get."
        )

    def _training(self, variables: list[keras.Variable]) -> list[keras.Variable]:
        frozen = set() if self.train_weights else {id(v) for v in self.inner.variables}
        return [v for v in variables if id(v) not in frozen]

    def _step(self) -> Any:
        optimizer = getattr(self, "optimizer", None)
        return ops.cast(np.iinfo("int32").max if optimizer is None else optimizer.iterations, "int32")

    def _carry_out(self, scope: keras.StatelessScope) -> None:
        """What the model assigned in the scope (moving averages, random seeds) and its losses become real."""
        gated = {id(v) for v in self.gating.gated}
        for variable in [*self.inner.variables, *self.inner.metrics_variables]:
            value = scope.get_current_value(variable)
            if value is not None and id(variable) not in gated:
                variable.assign(value)
        for loss in scope.losses:
            self.add_loss(loss)


class _Gating(keras.layers.Layer):
    """The gated values of variables; a layer without autocast, so that gates see full precision."""

    def __init__(self, gate: keras.layers.Layer, units: Units, variables: dict) -> None:
        super().__init__(name="gates", dtype="float32", autocast=False)
        self.gate, self.units, self.paths = gate, units, list(variables)
        # In a tuple inside a closure, past Keras's tracking: they are the model's, and only the model's.
        self._variables_of = lambda: tuple(variables.values())
        self.built = True

    @property
    def gated(self) -> tuple[keras.Variable, ...]:
        """The model's variables that have gates."""
        return self._variables_of()

    def gates(self, step: Any) -> Any:
        """(n,) the gates."""
        values = [ops.cast(ops.convert_to_tensor(v), "float32") for v in self.gated]
        return self.gate(dict(zip(self.paths, values, strict=True)), step=step)

    def call(self, step: Any) -> list:
        """One gated value a variable, in order."""
        gates = self.units.spread(self.gates(step))
        return [v * ops.cast(gates[p], v.dtype) for p, v in zip(self.paths, self.gated, strict=True)]
