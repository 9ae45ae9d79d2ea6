"""The forms of Keras's models, layers, optimizers and variables."""

from contextlib import nullcontext

from autograder.checks.arrays import array_bytes, array_from, array_mark
from autograder.checks.models import Library, forms
from autograder.checks.wire import Form, Wire


def _variables(owner) -> list:
    return list(getattr(owner, "variables", ()))


def _constraints(owner) -> list:
    return [variable.constraint for variable in _variables(owner)]


def _constrain(owner, constraints: list) -> None:
    for variable, constraint in zip(_variables(owner), constraints, strict=True):
        if constraint is not variable.constraint:
            variable.constraint = constraint


def _is_variable(x) -> bool:
    return KERAS.found() is not None and issubclass(type(x), KERAS.found().Variable)


KERAS = Library(
    "keras",
    "keras",
    ("keras",),
    _is_variable,
    _variables,
    _constraints,
    _constrain,
    nullcontext,
    "_value",
)


def _fits_variable(wire: Wire, x) -> bool:
    return _is_variable(x)


def _variable_state(wire: Wire, x) -> list:
    constraint = wire.write(x.constraint)
    return [array_bytes(x), str(x.dtype), bool(x.trainable), str(x.name), constraint]


def _make_variable(wire: Wire, state):
    import keras

    body, dtype, trainable, name, _ = state
    return keras.Variable(array_from(body), dtype=dtype, trainable=trainable, name=name)


def _fill_variable(wire: Wire, x, state) -> None:
    x.assign(array_from(state[0]))
    x.constraint = wire.read(state[4])


def _variable_mark(wire: Wire, x) -> str:
    return f"{array_mark(x)}{id(x.constraint)}"


PLAIN, SHARED = forms(KERAS)
SHARED.append(
    Form("variable", _fits_variable, _variable_state, _make_variable, _fill_variable, _variable_mark)
)
