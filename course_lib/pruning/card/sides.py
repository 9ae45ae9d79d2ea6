"""The models that are compared, by name."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from ..variables import check_model, trained_part

Models = keras.Model | Mapping[str, keras.Model]


def sides(models: Models) -> dict[str, keras.Model]:
    """{name: model}, the first being the yardstick; a single model goes by its own name.

    Raises: ValueError for none and for one without weights, TypeError for what is no Keras 3 model.
    """
    if not isinstance(models, Mapping):
        if isinstance(models, list | tuple):
            raise TypeError(
                'Name the models, as in {"dense": a, "pruned": b}. '
                f"Received: a {type(models).__name__} of {len(models)}."
            )
        check_model(models)
        models = {trained_part(models).name: models}
    if not models:
        raise ValueError("Give at least one model. Received: none.")
    for model in models.values():
        check_model(model)
    return {str(name): trained_part(model) for name, model in models.items()}
