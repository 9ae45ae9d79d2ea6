"""The forms of records and objects, which travel by attribute, and of what both sides can import by name."""

import collections
import contextlib
import dataclasses
import importlib
import keyword
import sys
import types

from autograder.checks.data import is_a, read_all, write_all
from autograder.checks.wire import Form, Garbage, Plain, Wire

# Classes of Keras's whose instances are records, although they have methods.
RECORDS = {
    "keras.src.callbacks.history.History",
    "tf_keras.src.callbacks.History",
    "tensorflow_model_optimization.python.core.sparsity.keras.pruning_callbacks.UpdatePruningStep",
}
_made: dict = {}


def _named(module, name: str, fields: tuple[str, ...], make=collections.namedtuple) -> type:
    """Return a class of a name and fields, always the same one; it knows if it is one of the notebook."""
    if not all(isinstance(n, str) and n.isidentifier() and not keyword.iskeyword(n) for n in (name, *fields)):
        raise Garbage("a name of a field is none")
    key = (make.__name__, name, fields)
    if key not in _made:
        _made[key] = make(name, fields)
        _made[key].__module__ = "__main__" if module == "__main__" else __name__
    return _made[key]


def class_name(x) -> list[str]:
    """Return where the class of an object is defined, and its name."""
    return [str(type(x).__module__), str(type(x).__qualname__)]


def library_class(wire: Wire, module: str, name: str) -> type | None:
    """Return a class of a package that both sides have, or in a student's kernel one of the notebook."""
    known = f"{module}.{name}" in RECORDS or wire.side == "s" and module == "__main__"
    if not isinstance(module, str) or not known and module.split(".")[0] not in wire.trusted:
        return None
    found = getattr(importlib.import_module(module), name, None)
    return found if isinstance(found, type) and found.__module__ == module else None


def _write_tuple(wire: Wire, x: tuple):
    fields = getattr(type(x), "_fields", None)
    named = isinstance(fields, tuple) and len(fields) == tuple.__len__(x)
    return [
        class_name(x) if named else None,
        list(fields) if named else [],
        write_all(wire, tuple.__iter__(x)),
    ]


def _read_tuple(wire: Wire, body) -> tuple:
    (module, name), fields, values = body[0] or (None, None), body[1], read_all(wire, body[2])
    if name is None:
        return tuple(values)
    known = library_class(wire, module, name)
    return (known or _named(module, name, tuple(fields)))._make(values)


def _write_known(wire: Wire, x):
    module, name = str(x.__module__), str(x.__qualname__)
    local = wire.side == "c" or module.split(".")[0] in wire.trusted
    same = local and getattr(sys.modules.get(module), name, None) is x and module != "__main__"
    return [module, name] if same else None


def _read_known(wire: Wire, body):
    module, name = body
    if wire.side == "c" and module.split(".")[0] not in wire.trusted:
        raise Garbage(f"{module} is none of the packages that both sides have")
    return getattr(importlib.import_module(module), name)


def _write_module(wire: Wire, x: types.ModuleType):
    known = x.__name__ != "__main__" and sys.modules.get(x.__name__) is x
    return [x.__name__, *wire.handle(x)["theirs"]] if known else None


def _read_module(wire: Wire, body):
    """Return the module of that name; the checker imports none that might be a student's."""
    name, number, about = body
    package = str(name).split(".")[0]
    trusted = wire.side == "s" or package in wire.trusted
    found = sys.modules.get(name) if package not in ("__main__", "autograder") else None
    with contextlib.suppress(ImportError):
        found = importlib.import_module(name) if trusted else found
    return found if isinstance(found, types.ModuleType) else wire.remote(number, about)


def _fits_object(wire: Wire, x) -> bool:
    """Whether this travels by attribute: a dataclass, a namespace, or an instance of a package both have."""
    kind = type(x)
    if isinstance(x, type | types.ModuleType | types.FunctionType):
        return False
    return kind is types.SimpleNamespace or dataclasses.is_dataclass(kind) or _shared_class(wire, kind)


def _shared_class(wire: Wire, kind: type) -> bool:
    module = sys.modules.get(kind.__module__)
    known = f"{kind.__module__}.{kind.__qualname__}" in RECORDS
    trusted = known or kind.__module__.split(".")[0] in wire.trusted
    return trusted and getattr(module, kind.__qualname__, None) is kind


def _attributes(x) -> dict:
    if dataclasses.is_dataclass(type(x)) and not hasattr(x, "__dict__"):
        return {
            field.name: getattr(x, field.name) for field in dataclasses.fields(x) if hasattr(x, field.name)
        }
    return dict(getattr(x, "__dict__", {}))


def _object_state(wire: Wire, x):
    content = [write_all(wire, pair) for pair in dict.items(x)] if isinstance(x, dict) else None
    fields = [[name, wire.write(value)] for name, value in _attributes(x).items()]
    return [class_name(x), fields, content]


def _make_object(wire: Wire, state):
    (module, name), fields, content = state
    if name == "SimpleNamespace":
        return types.SimpleNamespace()
    kind = library_class(wire, module, name)
    if kind is None:
        names = tuple(field for field, _ in fields)
        kind = _named(module, name.rpartition(".")[2], names, dataclasses.make_dataclass)
        if wire.beyond:
            kind.__getattr__ = lambda one, attribute: wire.beyond(one, attribute)  # what is no field
    return kind.__new__(kind)


def _fill_object(wire: Wire, x, state) -> None:
    for name, body in state[1]:
        if name.startswith("__"):  # its class, say
            raise Garbage(f"{name} is no attribute of a record")
        object.__setattr__(x, name, wire.read(body))
    if state[2] is not None:
        dict.clear(x)
        dict.update(x, [read_all(wire, pair) for pair in state[2]])


PLAIN = [
    Plain("tuple", is_a(tuple), _write_tuple, _read_tuple),
    Plain("module", is_a(types.ModuleType), _write_module, _read_module),
    Plain("known", is_a(type, types.FunctionType, types.BuiltinFunctionType), _write_known, _read_known),
]
SHARED = [Form("object", _fits_object, _object_state, _make_object, _fill_object)]
