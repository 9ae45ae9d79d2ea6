"""The pruning engine: model ─criterion→ scores ─pool→ units ─scope(sparsity)→ keep ─expand→ Masks → hold.

Start with `make_masks` and `hold`; see ARCHITECTURE.md for the map.
"""

from .activations import apoz, mean_activation, wanda
from .budgets import erk, lamp, multiples, per_layer
from .callbacks import GradualPruning
from .channels import Channels, Group
from .criteria import Criterion, fisher, gradient, grasp, magnitude, obd, random, taylor
from .depth import block_importance, drop_layers
from .filters import bn_scale, geometric_median
from .granularity import Block, Channel, Element, Granularity
from .groups import n_of_m, patterns
from .holding import hold, release
from .masks import Masks
from .measure import Parameters, Report, Row, gzip_bytes, parameters, raw_bytes, report, sparsity
from .prune import make_masks
from .schedules import Schedule, constant, cosine, exponential, iterative, linear, one_shot, polynomial
from .scopes import Scope, above, globally, layerwise
from .select import check_sparsity, survivors, top
from .surgery import shrink
from .variables import named_variables, prunable_variables

__all__ = [
    "Block",
    "Channel",
    "Channels",
    "Criterion",
    "Element",
    "GradualPruning",
    "Granularity",
    "Group",
    "Masks",
    "Parameters",
    "Report",
    "Row",
    "Schedule",
    "Scope",
    "above",
    "apoz",
    "block_importance",
    "bn_scale",
    "check_sparsity",
    "constant",
    "cosine",
    "drop_layers",
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
    "multiples",
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
    "shrink",
    "sparsity",
    "survivors",
    "taylor",
    "top",
    "wanda",
]
