"""The forms of models, layers and optimizers, of Keras and of its legacy: configuration and numbers, no code.

They are rebuilt in safe mode by the real library of the other side, so nobody's own `evaluate` or
`get_weights` is ever asked. What has a class of the student's own anywhere inside is not rebuilt.
"""

import builtins
import importlib
import json
import sys
from contextlib import suppress
from typing import Any, NamedTuple

from autograder.checks.arrays import array_bytes, array_from, array_mark
from autograder.checks.wire import Form, Garbage, Plain, Wire

# Not rebuilt although Keras could: they hold code, or files.
REFUSED = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "__typespec__"}


class Library(NamedTuple):
    """What Keras and its legacy have each in their own way.

    `kind` is the name of its form, `name` that of the module, `packages` hold the classes it may rebuild.
    """

    kind: str
    name: str
    packages: tuple[str, ...]
    is_variable: Any  # thing → bool
    variables: Any  # thing → its own variables, in an order that stays
    held: Any  # thing → list of what it holds that has an identity; raises Garbage
    hold: Any  # thing, list → None: have it hold these
    scope: Any  # () → context in which things are rebuilt
    store: str  # the attribute of a variable that holds its numbers

    def found(self):
        """Return the library, if this kernel has imported it."""
        module = sys.modules.get(self.name)
        return module if hasattr(module, "layers") else None

    def is_layer(self, x) -> bool:
        """Whether this is a layer or a model."""
        return self.found() is not None and issubclass(type(x), self.found().layers.Layer)

    def layers(self, owner) -> list:
        """Return a model or layer and all layers inside, in a fixed order."""
        return list(owner._flatten_layers()) if self.is_layer(owner) else []

    def all_variables(self, owner) -> list:
        """Return a thing's variables, those of its optimizer last."""
        more = getattr(getattr(owner, "optimizer", None), "variables", ())
        return [*self.variables(owner), *(more() if callable(more) else more)]

    def owned(self, wire: Wire, x) -> bool:
        """Whether this is an instance of a class of the library, or of a trusted class below one."""
        kind = type(x)
        if self.found() is None or not hasattr(kind, "get_config") or isinstance(x, type):
            return False
        packages = [one.__module__.split(".")[0] for one in kind.__mro__]
        return packages[0] in (*self.packages, *wire.trusted) and any(p in self.packages for p in packages)


def check(config, library: Library, trusted: tuple[str, ...]) -> None:
    """Pass a configuration that names things of the library and of trusted packages only; raises Garbage."""
    if isinstance(config, list):
        for one in config:
            check(one, library, trusted)
    elif isinstance(config, dict):
        module, name = config.get("module"), config.get("class_name")
        package = module.split(".")[0] if isinstance(module, str) else "keras"
        python = package == "builtins" and hasattr(builtins, str(config.get("config")))  # eval, say
        if package not in (*library.packages, "keras", "builtins", *trusted) or name in REFUSED or python:
            raise Garbage(f"{module}.{name} is not rebuilt")
        if package in trusted:
            importlib.import_module(module)  # registers its classes with Keras
        for one in config.values():
            check(one, library, trusted)


def forms(library: Library) -> tuple[list[Plain], list[Form]]:
    """Return the forms of a library's layers, variables, models and optimizers."""

    def inside(parts):
        def write(wire: Wire, x):
            for key in [key for key, kind in wire.kinds.items() if kind == library.kind]:
                owner = wire.things[key]
                place = next((i for i, one in enumerate(parts(owner)) if one is x), None)
                if place is not None and owner is not x:
                    return [key, place]
            return None

        return write, lambda wire, body: parts(wire.things[body[0]])[body[1]]

    plain = [
        Plain(f"{library.kind} layer", library.is_layer, *inside(library.layers)),
        Plain(f"{library.kind} weight", library.is_variable, *inside(library.all_variables)),
    ]
    return plain, [
        Form(library.kind, *(_bound(step, library) for step in (_fits, _state, _make, _fill, _mark)))
    ]


def _bound(step, library: Library):
    return lambda *args: step(library, *args)


def _config(library: Library, wire: Wire, x) -> dict:
    """Return a thing's configuration; raises Garbage when it has none that can be sent."""
    try:
        config = json.loads(json.dumps(library.found().saving.serialize_keras_object(x)))
    except Exception as error:  # whatever a configuration of somebody's own raises
        raise Garbage(str(error)) from error
    config.pop("compile_config", None)  # goes by itself: a loss of one's own does not keep a model at home
    check(config, library, wire.trusted)
    return config


def _compiled(library: Library, wire: Wire, x) -> dict | None:
    """Return how a model is compiled, if that is data."""
    try:
        config = json.loads(json.dumps(x.get_compile_config())) if x.optimizer else None
        check(config, library, wire.trusted)
    except Exception:  # whatever a loss of somebody's own raises
        return None
    return config


def _fits(library: Library, wire: Wire, x) -> bool:
    if not library.owned(wire, x):
        return False
    try:
        wire.latest = x, _config(library, wire, x)
        library.held(x)
    except Garbage:
        return False
    return True


def _news(library: Library, wire: Wire, x, variables: list) -> list:
    """Return the variables that the other side does not know; a new optimizer is new altogether."""
    key, optimizer = wire.keys[id(x)], getattr(x, "optimizer", None)
    before, last = wire.parts.get(key, ([], None))
    if optimizer is not last:
        before = before[: len(library.variables(x))]
    marks = [array_mark(v) for v in variables]
    wire.parts[key] = [marks, optimizer]
    return [i for i, mark in enumerate(marks) if i >= len(before) or before[i] != mark]


def _ties(library: Library, wire: Wire, x) -> list:
    """Return which variables are also those of other things: [index, the other's key, index there]."""
    others = [key for key, kind in wire.kinds.items() if kind == library.kind and wire.things[key] is not x]
    places = {id(v): [k, i] for k in others for i, v in enumerate(library.variables(wire.things[k]))}
    return [[i, *places[id(v)]] for i, v in enumerate(library.variables(x)) if id(v) in places]


def _state(library: Library, wire: Wire, x) -> dict:
    key, variables = wire.keys[id(x)], library.all_variables(x)
    optimizer = getattr(x, "optimizer", None)
    fresh = optimizer is not None and optimizer is not wire.parts.get(key, ([], None))[1]
    state = {"values": [[i, array_bytes(variables[i])] for i in _news(library, wire, x, variables)]}
    state["held"] = [wire.write(one) for one in library.held(x)]
    state["trainable"] = [layer.trainable for layer in library.layers(x)]
    if fresh and library.is_layer(x):
        state["compile"] = _compiled(library, wire, x)
    if not wire.known[key]:
        latest = wire.latest or (None, None)
        state["config"] = latest[1] if latest[0] is x else _config(library, wire, x)
        state["ties"] = _ties(library, wire, x)
        wire.latest = None
    return state


def _mark(library: Library, wire: Wire, x) -> str:
    marks = [array_mark(v) for v in library.all_variables(x)] + [la.trainable for la in library.layers(x)]
    return repr([*marks, *map(id, library.held(x)), id(getattr(x, "optimizer", None))])


def _make(library: Library, wire: Wire, state):
    found = importlib.import_module(library.name)
    check(state["config"], library, wire.trusted)
    with library.scope():
        return found.saving.deserialize_keras_object(state["config"], safe_mode=True)


def _fill(library: Library, wire: Wire, x, state) -> None:
    if config := state.get("compile"):
        check(config, library, wire.trusted)
        with suppress(ValueError, TypeError):  # a name that Keras knows nothing of: not compiled here
            x.compile_from_config(config)
    for layer, trainable in zip(library.layers(x), state["trainable"], strict=True):
        if layer.trainable != trainable:
            layer.trainable = bool(trainable)
    for index, key, place in state.get("ties", ()):  # one place for the numbers, as in a shared layer
        own, others = library.variables(x), library.variables(wire.things[key])
        if index < len(own) and place < len(others):  # else not built here
            setattr(own[index], library.store, getattr(others[place], library.store))
    _assign(library, x, state["values"])
    library.hold(x, [wire.read(body) for body in state["held"]])
    marks = [array_mark(v) for v in library.all_variables(x)]
    wire.parts[wire.keys[id(x)]] = [marks, getattr(x, "optimizer", None)]


def _assign(library: Library, x, values: list) -> None:
    variables, optimizer = library.all_variables(x), getattr(x, "optimizer", None)
    if values and max(i for i, _ in values) >= len(variables) and optimizer:
        build = getattr(optimizer, "build", None) or optimizer._create_all_weights
        build(x.trainable_variables)
        variables = library.all_variables(x)
    own = len(library.variables(x))
    for index, body in values:
        if index < len(variables) or index < own or optimizer:
            variables[index].assign(array_from(body))
