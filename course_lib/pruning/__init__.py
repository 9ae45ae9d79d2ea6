"""The pruning engine: model ─criterion→ scores ─pool→ units ─scope(sparsity)→ keep ─expand→ Masks → hold.

Start with `make_masks` and `hold`; see ARCHITECTURE.md for the map.
"""

from .accuracy import accuracy_on
from .activations import apoz, mean_activation, wanda
from .bandit import ucb_search
from .budgets import erk, lamp, per_layer
from .callbacks import GradualPruning
from .constraints import Met, sparsest, within_budget
from .criteria import Criterion, fisher, gradient, grasp, magnitude, obd, random, taylor
from .evolution import evolve
from .filters import bn_scale, geometric_median
from .granularity import Block, Channel, Element, Granularity
from .groups import n_of_m, patterns
from .gumbel import gumbel_search
from .holding import hold, release
from .macs import Macs, macs, uses
from .masks import Masks
from .measure import Parameters, Report, Row, gzip_bytes, parameters, raw_bytes, report, sparsity
from .pareto import chebyshev, pareto_front, preferred, weighted_sum
from .prune import make_masks
from .schedules import Schedule, constant, cosine, exponential, iterative, linear, one_shot, polynomial
from .scopes import Scope, above, globally, layerwise
from .select import check_sparsity, survivors, top
from .sensitivity import sensitivity
from .space import Space
from .trials import Found, Trial
from .variables import named_variables, prunable_variables

__all__ = [
    "uses",
    "Trial",
    "Found",
    "Space",
    "sensitivity",
    "weighted_sum",
    "preferred",
    "pareto_front",
    "chebyshev",
    "gumbel_search",
    "evolve",
    "within_budget",
    "sparsest",
    "Met",
    "ucb_search",
    "accuracy_on",
    "Block",
    "Channel",
    "Criterion",
    "Element",
    "GradualPruning",
    "Granularity",
    "Macs",
    "Masks",
    "Parameters",
    "Report",
    "Row",
    "Schedule",
    "Scope",
    "above",
    "apoz",
    "bn_scale",
    "check_sparsity",
    "constant",
    "cosine",
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
    "macs",
    "magnitude",
    "make_masks",
    "mean_activation",
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
    "sparsity",
    "survivors",
    "taylor",
    "top",
    "wanda",
]
