"""The pruning engine: model ─criterion→ scores ─pool→ units ─scope(sparsity)→ keep ─expand→ Masks → hold.

Start with `make_masks` and `hold`; see ARCHITECTURE.md for the map.
"""

from .activations import apoz, mean_activation, wanda
from .budgets import erk, lamp, per_layer
from .callbacks import GradualPruning
from .criteria import Criterion, magnitude, random, sampled
from .curvature import fisher, grasp, obd
from .filters import bn_scale, geometric_median
from .gradients import gradient, movement, taylor
from .granularity import Block, Channel, Element, Granularity
from .groups import n_of_m, patterns
from .holding import hold, release
from .lottery import Snapshot, rewind, shuffled, signs, tickets
from .masks import Masks
from .measure import Parameters, Report, Row, gzip_bytes, parameters, raw_bytes, report, sparsity
from .prune import make_masks
from .regrow import Regrow
from .schedules import (
    Schedule,
    constant,
    cosine,
    cosine_decay,
    exponential,
    iterative,
    linear,
    one_shot,
    polynomial,
)
from .scopes import Scope, above, globally, layerwise
from .select import check_sparsity, survivors, top
from .variables import named_variables, prunable_variables

__all__ = [
    "Block",
    "Channel",
    "Criterion",
    "Element",
    "GradualPruning",
    "Granularity",
    "Masks",
    "Parameters",
    "Regrow",
    "Report",
    "Row",
    "Schedule",
    "Scope",
    "Snapshot",
    "above",
    "apoz",
    "bn_scale",
    "check_sparsity",
    "constant",
    "cosine",
    "cosine_decay",
    "erk",
    "exponential",
    "fisher",
    "geometric_median",
    "globally",
    "gradient",
    "grasp",
    "gzip_bytes",
    "hold",
    "iterative",
    "lamp",
    "layerwise",
    "linear",
    "magnitude",
    "make_masks",
    "mean_activation",
    "movement",
    "n_of_m",
    "named_variables",
    "obd",
    "one_shot",
    "parameters",
    "patterns",
    "per_layer",
    "polynomial",
    "prunable_variables",
    "random",
    "raw_bytes",
    "release",
    "report",
    "rewind",
    "sampled",
    "shuffled",
    "signs",
    "sparsity",
    "survivors",
    "taylor",
    "tickets",
    "top",
    "wanda",
]
