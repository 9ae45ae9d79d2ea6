"""hold: keep masked weights at zero while the model trains, whatever trains it.

The optimizer calls a variable's constraint at the end of every step, inside the compiled function. That is
the one place all training goes through: Adam's and momentum's memory, weight decay, XLA, steps_per_execution,
gradient accumulation, mixed precision, `train_on_batch` and GradientTape loops with `optimizer.apply`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np

from .masks import Masks, zeroed, zeroed_array
from .variables import named_variables, read, trained_part, write


def hold(model: keras.Model, masks: Mapping[str, np.ndarray]) -> None:
    """Zero the masked weights of a model now and after every optimizer step, until `release`.

    Constraints the layers have already go on working. Held again, a model has the new masks instead; masks
    for the same variables are swapped without tracing the training function anew. A saved model is a plain
    Keras file: `load_model` and `clone_model` know nothing of the masks, so then `hold(model,
    Masks.from_zeros(model))`.

    Hold the model you train, not a part of it (a Distiller stands for its student), and call it before a
    GradientTape step of your own is first traced by tf.function. Weights that a new mask brings back start at
    zero, with their optimizer's memory. The squared gradients of masked weights still count in
    `global_clipnorm`.
    Raises: ValueError, with nothing changed, for masks of another model or a layer with LoRA.
    """
    masks = Masks(masks)
    hold_also(model, masks)
    _retrace_all(_detach(v) for path, v in named_variables(model).items() if path not in masks)


def hold_also(model: keras.Model, masks: Masks) -> None:
    """`hold` these masks, and those for other variables that hold the model already."""
    variables = masks.variables(model)
    refuse_lora(model, variables.values())
    _retrace_all([_attach(model, v, masks[path]) for path, v in variables.items()])


def release(model: keras.Model) -> None:
    """Let the masked weights of a model train again, with the constraints their layers had before `hold`."""
    _retrace_all([_detach(variable) for variable in named_variables(model).values()])


def held_masks(model: keras.Model) -> Masks:
    """The masks a model is held by at this moment; empty if it is not held."""
    held = {path: v.constraint for path, v in named_variables(model).items()}
    return Masks({p: np.asarray(h.mask).copy() for p, h in held.items() if isinstance(h, Held)})


class Held:
    """A variable's constraint while it is held: the user's own, and zero where the mask is zero."""

    def __init__(self, variable: keras.Variable, own: Callable | None) -> None:
        self.variable, self.own = variable, own
        # All that train the variable: a model, and perhaps a Distiller whose student it is.
        self.models = weakref.WeakSet()
        # A Keras variable, so that new masks reach the compiled step; in one byte a weight; tracked by no
        # layer, so that it is neither trained nor saved.
        self.mask = keras.Variable(np.ones(variable.shape, bool), dtype="bool", trainable=False, name="mask")

    def __call__(self, value: object) -> object:
        self.silence_average()
        value = zeroed(value, self.mask)
        # The user's constraint should see the weights that count (a norm, say), but bring no other back.
        return value if self.own is None else zeroed(self.own(value), self.mask)

    def silence_average(self) -> None:
        """Zero the masked weights in the optimizer's moving average too, if it keeps one (use_ema).

        The average is taken before constraints run, and at the end of `fit` it overwrites the weights.
        """
        for model in self.models:
            average = _moving_average(model, self.variable)
            if average is not None:
                average.assign(zeroed(average, self.mask))


def _attach(model: keras.Model, variable: keras.Variable, mask: np.ndarray) -> set[keras.Model]:
    """Hold a variable at zero under the mask; the models whose compiled training step cannot know of it."""
    if not isinstance(variable.constraint, Held):
        variable.constraint = Held(variable, variable.constraint)
    held = variable.constraint
    trainers = {model, trained_part(model)}  # what was distilled may be trained alone afterwards
    unknown = trainers - set(held.models)
    held.models.update(trainers)
    write(held.mask, mask)
    write(variable, zeroed_array(read(variable), mask))  # NumPy answers in half the time of TensorFlow
    held.silence_average()
    return unknown


def _detach(variable: keras.Variable) -> set[keras.Model]:
    """Take the mask from a variable; the models whose compiled training step may still know it."""
    held = variable.constraint
    if not isinstance(held, Held):
        return set()
    variable.constraint = held.own
    return set(held.models)


def retrace(model: keras.Model, *names: str) -> None:
    """Have the compiled functions of these names ("train", "test") traced anew, if they were traced.

    One traced before keeps the constraints and regularizers of that time, silently.
    """
    for name in names:
        if getattr(model, f"{name}_function", None) is not None:
            getattr(model, f"make_{name}_function")(force=True)


def _retrace_all(stale: Iterable[set[keras.Model]]) -> None:
    for model in set().union(*stale):
        retrace(model, "train")


def _moving_average(model: keras.Model, variable: keras.Variable) -> keras.Variable | None:
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # mixed_float16 wraps it
    for each in getattr(optimizer, "optimizers", [optimizer]):  # of a MultiOptimizer
        if getattr(each, "use_ema", False) and each.built:
            pairs = zip(each._trainable_variables, each._model_variables_moving_average, strict=True)
            found = [average for trained, average in pairs if trained is variable]
            if found:
                return found[0]
    return None


def refuse_lora(model: keras.Model, variables: Iterable[keras.Variable]) -> None:
    """Pass variables of layers without LoRA. Raises: ValueError."""
    held = {id(v) for v in variables}
    for layer in trained_part(model)._flatten_layers():
        if getattr(layer, "lora_enabled", False) and any(id(v) in held for v in layer.weights):
            raise ValueError(
                f"Layer {layer.name!r} has LoRA enabled: it computes with kernel + A·B, which fills "
                "the zeros of any mask in. Save and load the model to merge them, then make the masks."
            )
