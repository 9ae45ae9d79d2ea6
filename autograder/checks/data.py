"""The forms of Python's own data. Subclasses arrive as what they are below: a lying `__eq__` stays behind."""

import base64
import builtins
import collections
import functools
import weakref
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath

from autograder.checks.wire import Form, Garbage, Plain, Wire

VIEWS = (type({}.keys()), type({}.values()), type({}.items()))
FIXED = {"Ellipsis": ..., "NotImplemented": NotImplemented}
FIXED |= {name: one for name, one in vars(builtins).items() if isinstance(one, type) and name.islower()}
FIXED |= {
    name: one for name, one in vars(builtins).items() if name.endswith(("Error", "Warning", "Exception"))
}
FIXED_NAMES = {id(one): name for name, one in FIXED.items()}


def text(data: bytes) -> str:
    """Return bytes as text."""
    return base64.b64encode(data).decode()


def raw(data: str) -> bytes:
    """Return the bytes of a text."""
    return base64.b64decode(data, validate=True)


def is_a(*classes):
    """Return what tells whether a value is of these classes, whatever its `__class__` says."""
    return lambda x: issubclass(type(x), classes)


def write_all(wire: Wire, values) -> list:
    """Return values as JSON."""
    return [wire.write(value) for value in values]


def read_all(wire: Wire, bodies: list) -> list:
    """Return the values of JSON."""
    return [wire.read(body) for body in bodies]


def _write_view(wire: Wire, x):
    return [VIEWS.index(type(x)), write_all(wire, x)]


def _read_view(wire: Wire, body):
    kind, values = body[0], read_all(wire, body[1])
    if kind == 1:
        return dict(enumerate(values)).values()
    return dict.fromkeys(values).keys() if kind == 0 else dict(values).items()


def _fits_fixed(x) -> bool:
    return id(x) in FIXED_NAMES


PLAIN = [
    Plain("fixed", _fits_fixed, lambda w, x: FIXED_NAMES[id(x)], lambda w, b: FIXED[b]),
    Plain("str", is_a(str), lambda w, x: str.__str__(x), lambda w, b: str(b)),
    Plain("int", is_a(int), lambda w, x: hex(int.__index__(x)), lambda w, b: int(b, 16)),
    Plain("float", is_a(float), lambda w, x: float.hex(x), lambda w, b: float.fromhex(b)),
    Plain("complex", is_a(complex), lambda w, x: [x.real.hex(), x.imag.hex()],
          lambda w, b: complex(*map(float.fromhex, b))),
    Plain("bytes", is_a(bytes), lambda w, x: text(bytes.__getitem__(x, slice(None))), lambda w, b: raw(b)),
    Plain("frozenset", is_a(frozenset), lambda w, x: write_all(w, frozenset.__iter__(x)),
          lambda w, b: frozenset(read_all(w, b))),
    Plain("slice", is_a(slice), lambda w, x: write_all(w, (x.start, x.stop, x.step)),
          lambda w, b: slice(*read_all(w, b))),
    Plain("range", is_a(range), lambda w, x: write_all(w, (x.start, x.stop, x.step)),
          lambda w, b: range(*read_all(w, b))),
    Plain("fraction", is_a(Fraction), lambda w, x: write_all(w, (x.numerator, x.denominator)),
          lambda w, b: Fraction(*read_all(w, b))),
    Plain("decimal", is_a(Decimal), lambda w, x: Decimal.__str__(x), lambda w, b: Decimal(b)),
    Plain("path", is_a(PurePath), lambda w, x: str(x), lambda w, b: Path(b)),
    Plain("view", is_a(*VIEWS), _write_view, _read_view),
]  # fmt: skip


def _fill_list(wire: Wire, x, state) -> None:
    x[:] = read_all(wire, state)


def _fill_dict(wire: Wire, x, state) -> None:
    items = [read_all(wire, pair) for pair in state]
    x.clear()
    x.update(items)


def _fill_set(wire: Wire, x, state) -> None:
    items = read_all(wire, state)
    x.clear()
    x.update(items)


def _fill_bytes(wire: Wire, x, state) -> None:
    x[:] = raw(state)


def _one(*kinds):
    return lambda wire, x: issubclass(type(x), kinds)


def _set_state(wire: Wire, x):
    return write_all(wire, list(x))


def _items(wire: Wire, x) -> list:
    return [write_all(wire, pair) for pair in dict.items(x)]


def _default_state(wire: Wire, x) -> list:
    return [wire.write(x.default_factory), _items(wire, x)]


def _fill_default(wire: Wire, x, state) -> None:
    x.default_factory = wire.read(state[0])
    _fill_dict(wire, x, state[1])


def _fill_counter(wire: Wire, x, state) -> None:
    dict.clear(x)
    dict.update(x, [read_all(wire, pair) for pair in state])


def _fits_partial(wire: Wire, x) -> bool:
    return type(x) is functools.partial and not isinstance(x.func, type)


def _partial_state(wire: Wire, x) -> list:
    return write_all(wire, (x.func, tuple(x.args), tuple(x.keywords.items())))


def _fill_partial(wire: Wire, x, state) -> None:
    function, arguments, named = read_all(wire, state)
    if isinstance(function, type):
        raise Garbage("a class could be made here, and lie")
    x.__setstate__((function, arguments, dict(named), {}))


def _deque_state(wire: Wire, x) -> list:
    return [x.maxlen, write_all(wire, x)]


def _fill_deque(wire: Wire, x, state) -> None:
    x.clear()
    x.extend(read_all(wire, state[1]))


SHARED = [
    Form("partial", _fits_partial, _partial_state, lambda w, s: functools.partial(int),
         _fill_partial),
    Form("Counter", _one(collections.Counter), _items, lambda w, s: collections.Counter(), _fill_counter),
    Form("ordered", _one(collections.OrderedDict), _items, lambda w, s: collections.OrderedDict(),
         _fill_dict),
    Form("default", _one(collections.defaultdict), _default_state, lambda w, s: collections.defaultdict(),
         _fill_default),
    Form("list", _one(list), lambda w, x: write_all(w, list.__iter__(x)), lambda w, s: [], _fill_list),
    Form("deque", _one(collections.deque), _deque_state, lambda w, s: collections.deque((), s[0]),
         _fill_deque),
    Form("weak", _one(weakref.WeakSet), _set_state, lambda w, s: weakref.WeakSet(), _fill_set),
    Form("set", _one(set), _set_state, lambda w, s: set(), _fill_set),
    Form("dict", _one(dict), _items, lambda w, s: {}, _fill_dict),
    Form(
        "mapping",
        _one(Mapping),
        lambda w, x: [write_all(w, (k, x[k])) for k in x],
        lambda w, s: {},
        _fill_dict,
    ),
    Form("bytearray", _one(bytearray), lambda w, x: text(x), lambda w, s: bytearray(), _fill_bytes),
    Form("sequence", _one(Sequence), lambda w, x: write_all(w, x), lambda w, s: [], _fill_list),
]  # fmt: skip
