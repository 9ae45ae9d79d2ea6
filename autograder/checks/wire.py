"""What crosses between a student's kernel and the checker: data as JSON, never pickle, never code.

Both kernels run this file. A *plain* value is written out where it stands: `{"tuple": [...]}`. A *shared*
thing (list, dict, array, model: whatever can change) stands there as `{"ref": key}`; its state travels beside
the value, the first time and whenever it has changed since. So an argument that a function changes in place
is changed on the other side too, and a result that is an argument comes back as that very object. Whatever
has no form stays at home and is named by a number, a *handle*.
"""

import gc
import json
import sys
import weakref
from hashlib import blake2b
from typing import Any, NamedTuple

CIRCLES = ("keras", "legacy")  # kinds of things that hold themselves


class Garbage(Exception):
    """What came is no message of this kind."""


class Plain(NamedTuple):
    """How one kind of value is written out; `write` may return None: not this one."""

    name: str
    fits: Any  # value → bool
    write: Any  # wire, value → JSON
    read: Any  # wire, JSON → value


class Form(NamedTuple):
    """How one kind of shared thing travels; `mark` is cheap and changes with the state (None: take that)."""

    kind: str
    fits: Any  # thing → bool
    state: Any  # wire, thing → JSON
    make: Any  # wire, state → a thing that may still be empty
    fill: Any  # wire, thing, state → None: give it this state
    mark: Any = None  # wire, thing → str


class Wire:
    """One end; `side` starts the keys it gives. `remote(number, about)` makes a stand-in for a far thing.

    `trusted` are the packages whose classes both sides have, and whose instances travel by attribute.
    """

    def __init__(
        self, side: str, plain: list[Plain], shared: list[Form], remote=None, trusted: tuple[str, ...] = ()
    ):
        self.side, self.remote, self.trusted, self.plain = side, remote, trusted, plain
        self.readers = {one.name: one.read for one in plain}
        self.forms = {form.kind: form for form in shared}
        self.things: dict[str, Any] = {}
        self.keys: dict[int, str] = {}
        self.kinds: dict[str, str] = {}
        self.known: dict[str, str] = {}  # the state, as a hash, that both sides know
        self.parts: dict[str, list] = {}  # the same of a model's variables, one by one
        self.mine: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.count = 0
        self.before: tuple[dict, dict] = ({}, {})
        self.beyond: Any = None  # record, name → what it has at home besides its fields
        self.latest: Any = None  # what a form has found out about a thing, for its next step

    def pack(self, value) -> dict:
        """Return a value as JSON, with the state of every shared thing that the other side does not know."""
        self.before = dict(self.known), dict(self.parts)
        body, news, done = self.write(value), {}, set()
        while todo := [key for key in self.things if key not in done]:
            for key in todo:
                done.add(key)
                if (state := self._news(key)) is not None:
                    news[key] = [self.kinds[key], state]
        return {"value": body, "things": news}

    def unsay(self) -> None:
        """What was packed last is not sent after all."""
        known, self.parts = self.before
        self.forget([key for key in self.things if key not in known])
        self.known = known

    def unpack(self, message: dict):
        """Return the value of a message, after its things were brought up to date; raises Garbage."""
        try:
            fresh = {}
            for key, (kind, state) in message["things"].items():
                if key not in self.things:
                    if key.startswith(self.side):
                        raise Garbage(f"{key} was not given by the other side")
                    self._keep(key, kind, self.forms[kind].make(self, state))
                fresh[key] = state
            for key, state in fresh.items():
                self.forms[self.kinds[key]].fill(self, self.things[key], state)
            for key in fresh:
                self.known[key] = self._digest(key)[0]  # both sides know this state now
            return self.read(message["value"])
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError, ArithmeticError) as error:
            raise Garbage(f"{type(error).__name__}: {error}"[:300]) from error

    def write(self, x):
        """Return one value as JSON."""
        if x is None or x is True or x is False or type(x) is str:
            return x
        if type(x) is int and abs(x) < 1 << 53 or type(x) is float and abs(x) < float("inf"):
            return x
        if key := self.keys.get(id(x)):
            return {"ref": key}
        for one in self.plain:
            if one.fits(x) and (written := one.write(self, x)) is not None:
                return {one.name: written}
        for form in self.forms.values():
            if form.fits(self, x):
                self.count += 1
                self._keep(f"{self.side}{self.count}", form.kind, x)
                return {"ref": self.keys[id(x)]}
        return self.handle(x)

    def read(self, body):
        """Return the value that JSON stands for."""
        if not isinstance(body, dict):
            if isinstance(body, list):
                raise Garbage("a bare list")
            return body
        [(name, inner)] = body.items()
        if name == "ref":
            return self.things[inner]
        if name == "yours":
            return self.mine[inner]
        if name == "theirs":
            return self.remote(inner[0], inner[1])
        return self.readers[name](self, inner)

    def handle(self, x) -> dict:
        """Return a handle of a thing that stays where it is."""
        if (far := getattr(type(x), "_far", None)) is not None:
            return {"yours": far(x)}
        if id(x) not in self.numbers:
            number = len(self.numbers) + 1
            self.numbers[id(x)], self.mine[number] = number, x
        return {"theirs": [self.numbers[id(x)], self.about(x)]}

    def about(self, x) -> dict:
        """Return what the other side should know of a thing that stays here."""
        return {}

    def forget(self, keys) -> None:
        """Let shared things go."""
        for key in keys:
            if key in self.things:
                del self.keys[id(self.things[key])]
                del self.things[key], self.kinds[key], self.known[key]
                self.parts.pop(key, None)

    def unused(self) -> list[str]:
        """Let the things go that only this table still holds, and no change is in; return their keys."""
        gone: list[str] = []
        while found := [k for k in self.things if sys.getrefcount(self.things[k]) <= 2 and self._said(k)]:
            gone += found
            self.forget(found)
        return gone

    def collected(self) -> list[str]:
        """Let Keras's objects go that nobody uses: they hold themselves in circles; return their keys."""
        circles = [key for key in self.things if self.kinds[key] in CIRCLES and self._said(key)]
        held = {key: self.things.pop(key) for key in circles}
        weak = {key: (id(thing), weakref.ref(thing)) for key, thing in held.items()}
        held.clear()
        gc.collect()
        gone = []
        for key, (number, reference) in weak.items():
            if (thing := reference()) is not None:
                self.things[key] = thing
                continue
            gone.append(key)
            del self.keys[number], self.kinds[key], self.known[key]
            self.parts.pop(key, None)
        return gone

    def _said(self, key: str) -> bool:
        """Whether the other side knows this state."""
        return self._digest(key)[0] == self.known[key]

    def _keep(self, key: str, kind: str, thing) -> None:
        if kind not in self.forms or not isinstance(key, str):
            raise Garbage(f"nothing is called {kind!r}")
        self.things[key], self.kinds[key], self.keys[id(thing)] = thing, kind, key
        self.known[key] = ""

    def _news(self, key: str):
        """Return a thing's state if the other side does not know it."""
        form, thing = self.forms[self.kinds[key]], self.things[key]
        digest, state = self._digest(key)
        if digest == self.known[key]:
            return None
        state = form.state(self, thing) if form.mark else state
        self.known[key] = digest
        return state

    def _digest(self, key: str) -> tuple[str, Any]:
        form, thing = self.forms[self.kinds[key]], self.things[key]
        state = None if form.mark else form.state(self, thing)
        mark = form.mark(self, thing) if form.mark else json.dumps(state)
        return blake2b(mark.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(), state
