"""The forms of NumPy's generators of random numbers: they go on where they were."""

from autograder.checks.arrays import np
from autograder.checks.wire import Form, Wire


def _fits_random(wire: Wire, x) -> bool:
    return np() is not None and type(x) is np().random.Generator


def _random_state(wire: Wire, x):
    return [type(x.bit_generator).__name__, wire.write(_tuples(x.bit_generator.state))]


def _fits_old_random(wire: Wire, x) -> bool:
    return np() is not None and type(x) is np().random.RandomState


def _make_old_random(wire: Wire, state):
    import numpy

    return numpy.random.RandomState(0)


def _tuples(state):
    """Return a generator's state as values that are not shared."""
    return (
        tuple((key, _tuples(one)) for key, one in state.items()) if isinstance(state, dict) else _array(state)
    )


def _array(one):
    return ("array", tuple(one.tolist())) if isinstance(one, np().ndarray) else one


def _state_of(items):
    if isinstance(items, tuple) and items[:1] == ("array",):
        return np().array(items[1], "uint64")
    return {key: _state_of(one) for key, one in items} if isinstance(items, tuple) else items


def _make_random(wire: Wire, state):
    import numpy

    kind = {"PCG64": numpy.random.PCG64, "PCG64DXSM": numpy.random.PCG64DXSM, "SFC64": numpy.random.SFC64}
    kind |= {"MT19937": numpy.random.MT19937, "Philox": numpy.random.Philox}
    return numpy.random.Generator(kind[state[0]](0))


def _fill_random(wire: Wire, x, state) -> None:
    x.bit_generator.state = _state_of(wire.read(state[1]))


SHARED = [
    Form("random", _fits_random, _random_state, _make_random, _fill_random),
    Form(
        "old random",
        _fits_old_random,
        lambda w, x: w.write(_tuples(x.get_state(legacy=False))),
        _make_old_random,
        lambda w, x, state: x.set_state(_state_of(w.read(state))),
    ),
]
PLAIN: list = []
