"""The clock of a Keras run: steps done, steps ahead, and the moment after the last callback."""

from __future__ import annotations

from collections.abc import Callable

import keras

from .variables import named_variables


def steps_done(model: keras.Model) -> int:
    """How many updates the model's optimizer has made. Raises: ValueError if it has no optimizer."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        named_variables(model)  # says what is no model at all
        raise ValueError(
            f"Model {model.name!r} has no optimizer to count the steps: compile it, or say how many updates "
            "were done, `pruning.update(model, step)`."
        )
    return int(optimizer.iterations)


def steps_ahead(model: keras.Model, params: dict | None, epoch: int) -> int:
    """How many updates `fit` will make from the start of this epoch on; 0 if its `params` do not say."""
    known = {"steps": 0, "epochs": 0} | (params or {})
    batches = (known["steps"] or 0) * max(known["epochs"] - epoch, 0)
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # mixed_float16 wraps it
    return batches // (getattr(optimizer, "gradient_accumulation_steps", None) or 1)


def after_all(model: keras.Model, action: Callable[[], None]) -> None:
    """Let `fit` do something when training has ended and all callbacks have had their turn."""
    # Keras puts its History behind the callbacks of the user, and takes a new one for every `fit`.
    history = getattr(model, "history", None)
    if history is None:
        return
    before = history.on_train_end

    def on_train_end(logs: dict | None = None) -> None:
        before(logs)
        vars(history).pop("on_train_end", None)
        action()

    history.on_train_end = on_train_end
