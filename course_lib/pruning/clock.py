"""The clock of a Keras run: steps done, steps ahead, the moments after a step and after the last callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def after_next_step(model: keras.Model, action: Callable[[], None]) -> None:
    """Do something straight after the training step that comes next, before any callback hears of its end.

    To be asked for anew in every `on_train_batch_begin`. The obvious place, `on_train_batch_end`, comes too
    late for a callback listed earlier that saves the model there, and takes from Keras the liberty to call
    the callbacks of a batch in the background, where its backend allows that.

    The step, `model.train_function`, is wrapped, and is itself again by the time it runs: so a run that is
    interrupted, saved or traced anew leaves nothing behind. What was asked for does not happen if the step
    fails, if it belongs to another `fit`, or where training does not go through `train_function`: a loop of
    one's own, or a function made anew in the meantime. So look again at the next beginning.
    """
    step, run = vars(model).get("train_function"), getattr(model, "history", None)
    if step is None:
        return
    waiting = [action]

    def and_action(*data: Any) -> Any:
        # Not by assignment, which Keras looks through for variables and layers to track.
        if vars(model).get("train_function") is and_action:
            vars(model)["train_function"] = step
        logs = step(*data)
        if waiting and getattr(model, "history", None) is run:
            waiting.pop()()
        return logs

    vars(model)["train_function"] = and_action


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
