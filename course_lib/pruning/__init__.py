"""The pruning engine: model ─criterion→ scores ─pool→ units ─scope(sparsity)→ keep ─expand→ Masks → hold.

Start with `make_masks` and `hold`; see ARCHITECTURE.md for the map.
"""

from .activations import apoz, mean_activation, wanda
from .budgets import erk, lamp, multiples, per_layer
from .callbacks import GradualPruning
from .card.card import Card, report_card
from .card.costs import LayerCost, layer_costs
from .card.energy import FLOAT16, FLOAT32, INT8, Costs, Energy, energy
from .card.latency import Latency, latency
from .card.lines import Line
from .card.memory import Memory, Resident, planned_memory, resident_memory
from .card.predictions import predicted
from .card.robustness import Robustness, contrast, gaussian, robustness, shift
from .card.roofline import Machine, Point, Roofline, ceiling, machine_limits, roofline
from .card.storage import Storage, Stored, bitmask_bytes, bsr_bytes, csr_bytes, storage
from .card.structure import Change, Structure, compare_structure
from .card.toll import ClassToll, Toll, who_pays
from .criteria import Criterion, magnitude, random, sampled
from .curvature import fisher, grasp, obd
from .dynamic.adaptive import AnySparsity, Sandwich
from .dynamic.channel_gate import ChannelGate
from .dynamic.early_exit import Exits, exit_early, exit_frontier
from .dynamic.exits import add_exits, certainty, exit_costs, top_probability
from .dynamic.gating import gated, gated_macs
from .dynamic.online import OnlinePruning
from .filters import bn_scale, geometric_median
from .gradients import gradient, movement, taylor
from .granularity import Block, Channel, Element, Granularity
from .groups import n_of_m, patterns
from .holding import held_masks, hold, release
from .macs import Macs, macs, uses
from .masks import Masks
from .measure import Parameters, Report, Row, gzip_bytes, parameters, raw_bytes, report, sparsity
from .prune import make_masks
from .resume import masks_so_far
from .rewiring.lottery import Snapshot, rewind, shuffled, signs, tickets
from .rewiring.regrow import Regrow
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
from .search.accuracy import accuracy_on
from .search.bandit import ucb_search
from .search.constraints import Met, sparsest, within_budget
from .search.evolution import evolve
from .search.gumbel import gumbel_search
from .search.pareto import chebyshev, pareto_front, preferred, weighted_sum
from .search.sensitivity import sensitivity
from .search.space import Space
from .search.trials import Found, Trial
from .select import check_sparsity, survivors, top
from .ship.archive import pack, unpack
from .ship.compare import Difference
from .ship.fastest import Fastest, fastest_pattern
from .ship.files import Exported
from .ship.interpret import interpret
from .ship.keras_file import open_keras, save_keras
from .ship.litert import save_litert
from .ship.runtime import numpy_runtime
from .soft.attention import Attention
from .soft.fading import Fade
from .soft.gates import HardConcrete, LearnedThreshold, Sigmoid
from .soft.harden import Hardened, harden
from .soft.learned import LearnedMasks
from .soft.regularizers import GroupLasso, penalize, unpenalize
from .soft.straight_through import StraightThrough
from .soft.thresholds import ThresholdDecay, soft_threshold
from .structured.channels import Channels, Group
from .structured.costs import affordable, byte_cost, mac_cost, parameter_cost
from .structured.depth import block_importance, drop_layers
from .structured.grouping import group_masks, grouped
from .structured.shuffle import aligned, permuted, spread
from .structured.surgery import shrink
from .teacher.distill import distill, distill_in_stages
from .teacher.matching import FeatureMatching, attention_loss
from .teacher.soft_targets import SoftTargets
from .timing import Ratio, Timings, interleaved
from .variables import named_variables, prunable_variables, skipped

__all__ = [
    "AnySparsity",
    "Attention",
    "Block",
    "Card",
    "Change",
    "Channel",
    "ChannelGate",
    "Channels",
    "ClassToll",
    "Costs",
    "Criterion",
    "Difference",
    "Element",
    "Energy",
    "Exits",
    "Exported",
    "FLOAT16",
    "FLOAT32",
    "Fade",
    "Fastest",
    "FeatureMatching",
    "Found",
    "GradualPruning",
    "Granularity",
    "Group",
    "GroupLasso",
    "HardConcrete",
    "Hardened",
    "INT8",
    "Latency",
    "LayerCost",
    "LearnedMasks",
    "LearnedThreshold",
    "Line",
    "Machine",
    "Macs",
    "Masks",
    "Memory",
    "Met",
    "OnlinePruning",
    "Parameters",
    "Point",
    "Ratio",
    "Regrow",
    "Report",
    "Resident",
    "Robustness",
    "Roofline",
    "Row",
    "Sandwich",
    "Schedule",
    "Scope",
    "Sigmoid",
    "Snapshot",
    "SoftTargets",
    "Space",
    "Storage",
    "Stored",
    "StraightThrough",
    "Structure",
    "ThresholdDecay",
    "Timings",
    "Toll",
    "Trial",
    "above",
    "accuracy_on",
    "add_exits",
    "affordable",
    "aligned",
    "apoz",
    "attention_loss",
    "bitmask_bytes",
    "block_importance",
    "bn_scale",
    "bsr_bytes",
    "byte_cost",
    "ceiling",
    "certainty",
    "chebyshev",
    "check_sparsity",
    "compare_structure",
    "constant",
    "contrast",
    "cosine",
    "cosine_decay",
    "csr_bytes",
    "distill",
    "distill_in_stages",
    "drop_layers",
    "energy",
    "erk",
    "evolve",
    "exit_costs",
    "exit_early",
    "exit_frontier",
    "exponential",
    "fastest_pattern",
    "fisher",
    "gated",
    "gated_macs",
    "gaussian",
    "geometric_median",
    "globally",
    "gradient",
    "grasp",
    "group_masks",
    "grouped",
    "gumbel_search",
    "gzip_bytes",
    "harden",
    "held_masks",
    "hold",
    "interleaved",
    "interpret",
    "iterative",
    "lamp",
    "latency",
    "layer_costs",
    "layerwise",
    "linear",
    "mac_cost",
    "machine_limits",
    "macs",
    "magnitude",
    "make_masks",
    "masks_so_far",
    "mean_activation",
    "movement",
    "multiples",
    "n_of_m",
    "named_variables",
    "numpy_runtime",
    "obd",
    "one_shot",
    "open_keras",
    "pack",
    "parameter_cost",
    "parameters",
    "pareto_front",
    "patterns",
    "penalize",
    "per_layer",
    "permuted",
    "planned_memory",
    "polynomial",
    "predicted",
    "preferred",
    "prunable_variables",
    "random",
    "raw_bytes",
    "release",
    "report",
    "report_card",
    "resident_memory",
    "rewind",
    "robustness",
    "roofline",
    "sampled",
    "save_keras",
    "save_litert",
    "sensitivity",
    "shift",
    "shrink",
    "shuffled",
    "signs",
    "skipped",
    "soft_threshold",
    "sparsest",
    "sparsity",
    "spread",
    "storage",
    "survivors",
    "taylor",
    "tickets",
    "top",
    "top_probability",
    "ucb_search",
    "unpack",
    "unpenalize",
    "uses",
    "wanda",
    "weighted_sum",
    "who_pays",
    "within_budget",
]
