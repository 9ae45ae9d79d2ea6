"""The forms of Keras 2 (`tf_keras`), and of TensorFlow's pruning toolkit, which wraps its layers.

Nothing here imports them where a kernel has not done so, or is not sent one: that takes seconds.
"""

import importlib
import sys

from autograder.checks.arrays import array_bytes, array_from, array_mark
from autograder.checks.models import Library, forms
from autograder.checks.wire import Form, Garbage, Wire

TOOLKIT = "tensorflow_model_optimization"
SCHEDULES = f"{TOOLKIT}.python.core.sparsity.keras.pruning_schedule"
WRAPPER = f"{TOOLKIT}.python.core.sparsity.keras.pruning_wrapper"


def _variables(owner) -> list:
    """Return the variables layer by layer: the order of `weights` changes with what is trainable."""
    if not LEGACY.is_layer(owner):
        found = getattr(owner, "variables", ())
        return list(found() if callable(found) else found)
    every = [v for one in LEGACY.layers(owner) for v in one._trainable_weights + one._non_trainable_weights]
    return list({id(v): v for v in every}.values())


def _wrappers(owner) -> list:
    module = sys.modules.get(WRAPPER)
    return [la for la in LEGACY.layers(owner) if module and issubclass(type(la), module.PruneLowMagnitude)]


def _schedules(owner) -> list:
    """Return each wrapper's schedule and its pattern, which no configuration tells."""
    found = [(one.pruning_schedule, one.sparsity_m_by_n) for one in _wrappers(owner)]
    if not all(_is_schedule(None, schedule) for schedule, _ in found):
        raise Garbage("a schedule of somebody's own")
    return [part for pair in found for part in pair]


def _schedule(owner, held: list) -> None:
    for wrapper, schedule, pattern in zip(_wrappers(owner), held[::2], held[1::2], strict=True):
        wrapper.pruning_schedule, wrapper.sparsity_m_by_n = schedule, pattern
        if (pruning := wrapper.pruning_obj) is not None:
            pruning._pruning_schedule, pruning._sparsity_m_by_n = schedule, pattern


def _scope():
    return importlib.import_module(TOOLKIT).sparsity.keras.prune_scope()


def _is_variable(x) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return hasattr(tensorflow, "Variable") and issubclass(type(x), tensorflow.Variable)


LEGACY = Library(
    "legacy",
    "tf_keras",
    ("tf_keras", TOOLKIT),
    _is_variable,
    _variables,
    _schedules,
    _schedule,
    _scope,
    "_handle",
)


def _is_schedule(wire: Wire | None, x) -> bool:
    return getattr(type(x), "__module__", "") == SCHEDULES


def _schedule_state(wire: Wire, x) -> dict:
    return x.get_config()


def _make_schedule(wire: Wire, state):
    module = importlib.import_module(SCHEDULES)
    kind = getattr(module, state["class_name"])
    if not issubclass(kind, module.PruningSchedule):
        raise Garbage(f"{state['class_name']} is no schedule")
    return kind.from_config(state["config"])


def _variable_state(wire: Wire, x) -> list:
    return [array_bytes(x), bool(x.trainable), str(x.name).partition(":")[0]]


def _make_variable(wire: Wire, state):
    import tensorflow

    return tensorflow.Variable(array_from(state[0]), trainable=state[1], name=state[2])


def _fill_variable(wire: Wire, x, state) -> None:
    x.assign(array_from(state[0]))


PLAIN, SHARED = forms(LEGACY)
SHARED = [
    Form("schedule", _is_schedule, _schedule_state, _make_schedule, lambda wire, x, state: None),
    *SHARED,
    Form(
        "tensorflow variable",
        lambda wire, x: _is_variable(x),
        _variable_state,
        _make_variable,
        _fill_variable,
        lambda wire, x: array_mark(x),
    ),
]
