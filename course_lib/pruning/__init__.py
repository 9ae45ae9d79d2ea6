"""The pruning engine: model ─criterion→ scores ─pool→ units ─scope(sparsity)→ keep ─expand→ Masks → hold.

Start with `make_masks` and `hold`; see ARCHITECTURE.md for the map.
"""

from .accuracy import accuracy_on
from .activations import apoz, mean_activation, wanda
from .adaptive import AnySparsity, Sandwich
from .attention import Attention
from .bandit import ucb_search
from .budgets import erk, lamp, per_layer
from .callbacks import GradualPruning
from .channel_gate import ChannelGate
from .constraints import Met, sparsest, within_budget
from .criteria import Criterion, magnitude, random, sampled
from .curvature import fisher, grasp, obd
from .distill import distill, distill_in_stages
from .early_exit import Exits, exit_early, exit_frontier
from .evolution import evolve
from .exits import add_exits, certainty, exit_costs, top_probability
from .fading import Fade
from .filters import bn_scale, geometric_median
from .gates import HardConcrete, LearnedThreshold, Sigmoid
from .gating import gated, gated_macs
from .gradients import gradient, movement, taylor
from .granularity import Block, Channel, Element, Granularity
from .groups import n_of_m, patterns
from .gumbel import gumbel_search
from .harden import Hardened, harden
from .holding import held_masks, hold, release
from .learned import LearnedMasks
from .lottery import Snapshot, rewind, shuffled, signs, tickets
from .macs import Macs, macs, uses
from .masks import Masks
from .matching import FeatureMatching, attention_loss
from .measure import Parameters, Report, Row, gzip_bytes, parameters, raw_bytes, report, sparsity
from .online import OnlinePruning
from .pareto import chebyshev, pareto_front, preferred, weighted_sum
from .prune import make_masks
from .regrow import Regrow
from .regularizers import GroupLasso, penalize, unpenalize
from .resume import masks_so_far
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
from .sensitivity import sensitivity
from .soft_targets import SoftTargets
from .space import Space
from .straight_through import StraightThrough
from .thresholds import ThresholdDecay, soft_threshold
from .trials import Found, Trial
from .variables import named_variables, prunable_variables, skipped

__all__ = [
    "AnySparsity",
    "Attention",
    "Block",
    "Channel",
    "ChannelGate",
    "Criterion",
    "Element",
    "Exits",
    "Fade",
    "FeatureMatching",
    "Found",
    "GradualPruning",
    "Granularity",
    "GroupLasso",
    "HardConcrete",
    "Hardened",
    "LearnedMasks",
    "LearnedThreshold",
    "Macs",
    "Masks",
    "Met",
    "OnlinePruning",
    "Parameters",
    "Regrow",
    "Report",
    "Row",
    "Sandwich",
    "Schedule",
    "Scope",
    "Sigmoid",
    "Snapshot",
    "SoftTargets",
    "Space",
    "StraightThrough",
    "ThresholdDecay",
    "Trial",
    "above",
    "accuracy_on",
    "add_exits",
    "apoz",
    "attention_loss",
    "bn_scale",
    "certainty",
    "chebyshev",
    "check_sparsity",
    "constant",
    "cosine",
    "cosine_decay",
    "distill",
    "distill_in_stages",
    "erk",
    "evolve",
    "exit_costs",
    "exit_early",
    "exit_frontier",
    "exponential",
    "fisher",
    "gated",
    "gated_macs",
    "geometric_median",
    "globally",
    "gradient",
    "grasp",
    "gumbel_search",
    "gzip_bytes",
    "harden",
    "held_masks",
    "hold",
    "iterative",
    "lamp",
    "layerwise",
    "linear",
    "macs",
    "magnitude",
    "make_masks",
    "masks_so_far",
    "mean_activation",
    "movement",
    "n_of_m",
    "named_variables",
    "obd",
    "one_shot",
    "parameters",
    "pareto_front",
    "patterns",
    "penalize",
    "per_layer",
    "polynomial",
    "preferred",
    "prunable_variables",
    "random",
    "raw_bytes",
    "release",
    "report",
    "rewind",
    "sampled",
    "sensitivity",
    "shuffled",
    "signs",
    "skipped",
    "soft_threshold",
    "sparsest",
    "sparsity",
    "survivors",
    "taylor",
    "tickets",
    "top",
    "top_probability",
    "ucb_search",
    "unpenalize",
    "uses",
    "wanda",
    "weighted_sum",
    "within_budget",
]
