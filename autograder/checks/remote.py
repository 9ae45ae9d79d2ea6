"""Stand-ins for things of the other side: functions, iterators, objects of the student's own classes."""

import weakref

from autograder.checks.link import BINARY, SPECIAL, Link

LOCKED = {"iter": ("__iter__", "__next__"), "call": ("__call__",)}
OPEN_NAMES = ("__name__", "__qualname__", "__doc__")


class Closed(AttributeError, TypeError):
    """A question to an object that answers none."""


class Remote:
    """A stand-in. Compared with data it is never equal: its owner could say yes to everything."""

    __slots__ = ("_link", "_number", "_about", "__weakref__")

    def __init__(self, link: Link, number: int, about: dict):
        for name, value in (("_link", link), ("_number", number), ("_about", about)):
            object.__setattr__(self, name, value)

    @staticmethod
    def _far(one) -> int:
        return object.__getattribute__(one, "_number")

    def __getattr__(self, name: str):
        about, link = object.__getattribute__(self, "_about"), object.__getattribute__(self, "_link")
        if name in OPEN_NAMES and name in about:
            return about[name]
        if name.startswith("_") or not about.get("open"):
            raise Closed(_closed(about, name))
        return link.ask("getattr", self, name)

    def __setattr__(self, name: str, value) -> None:
        about = object.__getattribute__(self, "_about")
        if name.startswith("_") or not about.get("open"):
            raise Closed(_closed(about, name))
        object.__getattribute__(self, "_link").ask("setattr", self, name, value)

    def __eq__(self, other) -> bool:
        if self is other or not isinstance(other, Remote):
            return self is other
        return bool(object.__getattribute__(self, "_link").ask("eq", self, other))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        about = object.__getattribute__(self, "_about")
        return f"<{about.get('what', 'object')} {about.get('__name__', '')} of the other side>"

    def __instancecheck__(self, thing) -> bool:
        return object.__getattribute__(self, "_link").ask("isinstance", self, thing) is True


def _closed(about: dict, name: str) -> str:
    said = about.get("class") or "object"
    return (
        f"{name!r} of an object of the type {said!r} cannot be looked at from outside. "
        "Return numbers, text, arrays, lists, dicts, or Keras models made of Keras's own layers."
    )


def _special(name: str):
    def method(self, *args, **kwargs):
        return object.__getattribute__(self, "_link").ask(name, self, *args, **kwargs)

    return method


def _binary(name: str):
    def method(self, other):
        # Only among themselves: a number's neighbour that says "equal" or "near" to everything is no number.
        if not isinstance(other, Remote):
            return NotImplemented
        return object.__getattribute__(self, "_link").ask(name, self, other)

    return method


METHODS = {f"__{name}__": _special(name) for name in SPECIAL} | {"__call__": _special("call")}
METHODS |= {f"__{name}__": _binary(name) for name in BINARY}


def specials(x) -> list[str]:
    """Return which of the known special methods a thing has."""
    return [name for name in METHODS if hasattr(type(x), name)]


class Stand:
    """Makes stand-ins, one for each thing; `opened(about)` says whether its inside may be looked at."""

    def __init__(self, opened):
        self.opened, self.link = opened, None
        self.made = weakref.WeakValueDictionary()
        self.classes: dict[tuple[str, frozenset], type] = {}

    def __call__(self, number: int, about: dict) -> Remote:
        found = self.made.get(number)
        if found is None:
            about = {**about, "open": self.opened(about)}
            allowed = METHODS if about["open"] else LOCKED.get(about.get("way"), ())
            names = frozenset(name for name in about.get("has", ()) if name in METHODS and name in allowed)
            key = str(about.get("class")), names  # a hint that names a type names this one
            if key not in self.classes:
                methods = {name: METHODS[name] for name in names}
                self.classes[key] = type(key[0], (Remote,), {"__slots__": (), **methods})
            found = self.made[number] = self.classes[key](self.link, number, about)
        return found
