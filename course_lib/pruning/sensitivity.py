"""Which layers bear pruning: each alone, at several sparsities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from .masks import Masks
from .prune import make_masks
from .scopes import layerwise
from .select import check_sparsity
from .trials import Evaluate, scored, trying

SPARSITIES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def sensitivity(
    model: keras.Model, evaluate: Evaluate, sparsities: Iterable[float] = SPARSITIES, **recipe: Any
) -> dict[str, dict[float, float]]:
    """The score of a model with one layer pruned, the others whole: {path: {sparsity: score}}.

    A steep line is a sensitive layer (Li et al. 2017, arXiv:1608.08710): `for path, line in table.items():
    plt.plot(list(line), list(line.values()), label=path)`. Costs layers × sparsities evaluations. `evaluate`
    is a function of the model, as `accuracy_on(x, y)`; `recipe` holds arguments of `make_masks`: criterion,
    granularity, within. The weights are as before afterwards, also after errors and Ctrl-C.
    Raises: ValueError or TypeError for a sparsity outside [0, 1), scores that are NaN or no numbers.
    """
    wanted = [check_sparsity(s) for s in sparsities]
    masks = {s: make_masks(model, s, **{"scope": layerwise} | recipe) for s in wanted}
    paths = list(masks[wanted[0]]) if wanted else []
    with trying(model) as put:

        def score(path: str, sparsity: float) -> float:
            put(Masks({path: masks[sparsity][path]}))
            return scored(evaluate, model)

        return {path: {s: score(path, s) for s in wanted} for path in paths}
