"""The pruning engine: model ─criterion→ scores ─pool→ units ─scope(sparsity)→ keep ─expand→ Masks → hold.

Start with `make_masks` and `hold`; see ARCHITECTURE.md for the map.
"""

from .activations import apoz, mean_activation, wanda
from .attention import Attention
from .budgets import erk, lamp, per_layer
from .callbacks import GradualPruning
from .criteria import Criterion, fisher, gradient, grasp, magnitude, obd, random, taylor
from .fading import Fade
from .filters import bn_scale, geometric_median
from .gates import HardConcrete, LearnedThreshold, Sigmoid
from .granularity import Block, Channel, Element, Granularity
from .groups import n_of_m, patterns
from .harden import Hardened, harden
from .holding import hold, release
from .learned import LearnedMasks
from .masks import Masks
from .measure import Parameters, Report, Row, gzip_bytes, parameters, raw_bytes, report, sparsity
from .prune import make_masks
from .regularizers import GroupLasso, penalize, unpenalize
from .schedules import Schedule, constant, cosine, exponential, iterative, linear, one_shot, polynomial
from .scopes import Scope, above, globally, layerwise
from .select import check_sparsity, survivors, top
from .straight_through import StraightThrough
from .thresholds import ThresholdDecay, soft_threshold
from .variables import named_variables, prunable_variables

__all__ = [
    "Attention",
    "Block",
    "Channel",
    "Criterion",
    "Element",
    "Fade",
    "GradualPruning",
    "Granularity",
    "GroupLasso",
    "HardConcrete",
    "Hardened",
    "LearnedMasks",
    "LearnedThreshold",
    "Masks",
    "Parameters",
    "Report",
    "Row",
    "Schedule",
    "Scope",
    "Sigmoid",
    "StraightThrough",
    "ThresholdDecay",
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
    "harden",
    "hold",
    "iterative",
    "lamp",
    "layerwise",
    "linear",
    "magnitude",
    "make_masks",
    "mean_activation",
    "n_of_m",
    "named_variables",
    "obd",
    "one_shot",
    "parameters",
    "patterns",
    "penalize",
    "per_layer",
    "polynomial",
    "prunable_variables",
    "random",
    "raw_bytes",
    "release",
    "report",
    "soft_threshold",
    "sparsity",
    "survivors",
    "taylor",
    "top",
    "unpenalize",
    "wanda",
]
