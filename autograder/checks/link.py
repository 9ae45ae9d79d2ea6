"""A conversation between two kernels: each may ask the other to do something, also while it is asked."""

import builtins
import json
import operator
import threading

from autograder.checks.wire import Garbage, Wire

# What one side may ask of the other's things, by the names of Python's special methods.
BINARY = "lt le gt ge add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
SPECIAL = "neg pos abs invert getitem setitem delitem contains len iter next enter exit reversed".split()

LARGEST = 48_000_000  # characters of a message
OWN = "In your code:"  # the first line of a traceback of the student's own frames


class Lost(BaseException):
    """The other side is gone, or talks nonsense; no `except Exception` of a test should swallow that."""


class Link:
    """One end; `exchange(text)` sends a message and returns the next one that comes."""

    def __init__(self, wire: Wire, exchange, may):
        self.wire, self._exchange, self.may = wire, exchange, may
        self.lock = threading.Lock()
        self.gone, self.let_go = list, lambda keys: None  # the checker says what both may forget
        self.raised: dict[int, BaseException] = {}

    def ask(self, do: str, *args, **kwargs):
        """Have the other side do something; return its value or raise its error."""
        gone = self.gone()
        answer = self.exchange(self.text((args, tuple(kwargs.items())), do=do, gone=gone))
        while "do" in answer:
            answer = self.exchange(self.serve(answer))
        value = self.unpack(answer)
        if "error" in answer:
            raise self.exception(answer["error"]) from None
        return value

    def text(self, value, **more) -> str:
        """Return a message; raises ValueError, with nothing said, when it is too long."""
        try:
            text = json.dumps({**self.wire.pack(value), **more})
            if len(text) > LARGEST:
                raise ValueError(
                    f"{len(text) / 1e6:.0f} MB are too much: at most {LARGEST / 1e6:.0f} MB cross"
                )
        except BaseException:
            self.wire.unsay()
            raise
        return text

    def unpack(self, message: dict):
        """Return the value of a message; raises Lost."""
        try:
            return self.wire.unpack(message)
        except Garbage as garbage:
            raise Lost(f"what came cannot be read ({garbage})") from None

    def exchange(self, text: str) -> dict:
        """Send a message, return the next one; raises Lost."""
        try:
            with self.lock:  # TensorFlow calls from threads of its own
                found = json.loads(self._exchange(text))
        except (ValueError, RecursionError):
            raise Lost("what came is no JSON") from None
        if not isinstance(found, dict) or not isinstance(found.get("things"), dict):
            raise Lost(found.get("gone", "nonsense") if isinstance(found, dict) else "nonsense")
        return found

    def serve(self, request: dict) -> str:
        """Do what the other side asks; return the answer to send."""
        try:
            self.let_go(request.get("gone", []))
            args, kwargs = self.unpack(request)
            return self.text(self.may(request["do"], *args, **dict(kwargs)))
        except (KeyboardInterrupt, Lost):
            raise
        except BaseException as error:
            return self.text(None, error=self.described(error))

    def described(self, error: BaseException) -> dict:
        """Return an exception as JSON: its classes by name, what it says, where it was raised."""
        if (number := getattr(error, "_far_error", None)) is not None:
            return {"yours": number}
        number = len(self.raised) + 1
        self.raised[number] = error
        classes = [[c.__name__, hasattr(builtins, c.__name__)] for c in type(error).__mro__]
        plain = all(type(one) in (str, int, float, bool, type(None)) for one in error.args)
        args = list(error.args) if plain else [str(error)]
        return {"classes": classes, "args": args, "number": number, "trace": self.trace(error)}

    def trace(self, error: BaseException) -> str:
        """Return a traceback for the other side; none by default."""
        return ""

    def exception(self, said: dict) -> BaseException:
        """Return the exception that JSON describes: of the same name, below the nearest built-in class."""
        try:
            if "yours" in said:
                return self.raised[said["yours"]]
            number, trace = int(said["number"]), str(said["trace"])
            error = _nearest(
                [str(c) for c, built in said["classes"] if built], *said["classes"][0], said["args"]
            )
            error._far_error, error._far_trace = number, trace
            return error
        except (LookupError, TypeError, ValueError, AttributeError):
            return Lost("an error came that cannot be read")


def _nearest(names: list[str], name: str, built: bool, args: list) -> BaseException:
    bases = [found for one in names if isinstance(found := getattr(builtins, one, None), type)]
    for base in bases:
        if issubclass(base, BaseException):
            kind = type(name if name.isidentifier() else base.__name__, (base,), dict(IN_A_NOTEBOOK))
            try:
                return kind(*args)
            except TypeError:  # some want arguments that do not travel
                continue
    raise TypeError("no exception")


def _rendered(error) -> list[str]:
    """IPython's hook: show the frames of the other side, and none of this one."""
    own = f"{type(error).__name__}: {error}"
    return [*error._far_trace.splitlines(), own]


IN_A_NOTEBOOK = {"__module__": "builtins", "_render_traceback_": _rendered}


def _call(thing, *args, **kwargs):
    return thing(*args, **kwargs)


def _contains(thing, one):
    return one in thing


DO = {"call": _call, "getattr": getattr, "setattr": setattr, "repr": repr, "contains": _contains}
DO |= {"isinstance": lambda kind, thing: isinstance(thing, kind), "eq": operator.eq}
DO |= {"enter": lambda thing: thing.__enter__(), "exit": lambda thing, *why: thing.__exit__(*why)}
DO |= {name: getattr(builtins, name) for name in ("len", "iter", "next", "abs", "reversed")}
DO |= {name: getattr(operator, f"__{name}__") for name in [*BINARY, *SPECIAL] if name not in DO}
