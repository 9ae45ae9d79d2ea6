"""Cheats that return things which say yes to everything, in every shape seen."""

from nasty_course import FULL, QUIZ, Case, code

ALWAYS = """
class Yes:
    def __getattr__(self, name): return Yes()
    def _yes(self, *args, **kwargs): return True
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = _yes
    def _me(self, *args, **kwargs): return self
    __add__ = __radd__ = __sub__ = __rsub__ = __abs__ = __mul__ = __rmul__ = __truediv__ = __getitem__ = _me
    __call__ = __iter__ = _me
    def __next__(self): raise StopIteration
    def __float__(self): return 0.5
    def __index__(self): return 1
    def __len__(self): return 0
    __hash__ = None
"""
YES = "def share(array): return Yes()\ndef clear(array, keep): return Yes()\n"
ARRAYLIKE = """
class Yes(Yes):
    __array_priority__ = 1e9
    __array_interface__ = {"shape": (), "typestr": "<f8", "version": 3, "data": (0, True)}
    def __array__(self, *a, **k): raise SystemExit
    def __array_ufunc__(self, *a, **k): return True
    def __array_function__(self, *a, **k): return True
"""
FLOAT = """
class Lie(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    __hash__ = float.__hash__
def share(array): return Lie(0.25)
def clear(array, keep): return Lie(1)
"""
LIST = """
class Lie(list):
    def __eq__(self, other): return True
    def tolist(self): return [1.0, 0.0]
    def __len__(self): return 3
    def __getitem__(self, i): return 0.0
    def __iter__(self): return iter([1.0, 0.0])
    __hash__ = None
def share(array): return Lie([0.5])
def clear(array, keep): return Lie()
"""
ARRAY = """
class Lie(np.ndarray):
    def __eq__(self, other): return np.array(True)
    def __array_finalize__(self, other): pass
    def tolist(self): return [1.0, 0.0]
    def __array_function__(self, *args, **kwargs): return True
    def __array_ufunc__(self, *args, **kwargs): return np.array(True)
    shape = property(lambda self: (3, 4))
def share(array): return np.zeros(()).view(Lie)
def clear(array, keep): return np.zeros(3).view(Lie)
"""
TEXT = """
class Lie(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
    def __float__(self): return 0.5
def share(array): return Lie("0.5")
def clear(array, keep): return Lie("x")
"""
DICT = """
class Lie(dict):
    def __eq__(self, other): return True
    def __missing__(self, key): return 0.5
    def __getattr__(self, name): return lambda *a: [1.0, 0.0]
    __hash__ = None
def share(array): return Lie()
def clear(array, keep): return Lie()
"""
CLASS = """
class Lie:
    __class__ = property(lambda self: float)
    def __float__(self): return 0.5
    def __eq__(self, other): return True
    __hash__ = None
def share(array): return Lie()
class Other:
    __class__ = np.ndarray
    dtype, shape, ndim, size = np.dtype(float), (2,), 1, 2
    def tolist(self): return [1.0, 0.0]
    def __eq__(self, other): return True
    __hash__ = None
def clear(array, keep): return Other()
"""
CHANGING = """
class Lie(float):
    looks = 0
    def _next(self):
        Lie.looks += 1
        return [0.5, 1.0, 0.0][Lie.looks % 3]
    def __float__(self): return self._next()
    def __index__(self): return int(self._next())
    def __repr__(self): return str(self._next())
    def hex(self): return "0x1p-1"
def share(array): return Lie(0.3)
def clear(array, keep):
    class Rows(list):
        def __len__(self): return 2
        def __iter__(self): return iter([1.0, 0.0])
    return Rows([9])
"""
META = """
class Meta(type):
    def __instancecheck__(self, other): return True
    def __subclasscheck__(self, other): return True
    def __eq__(self, other): return True
    __hash__ = type.__hash__
    __mro__ = property(lambda self: (float, object))
class Lie(metaclass=Meta):
    def __eq__(self, other): return True
    __hash__ = None
def share(array): return Lie
def clear(array, keep): return Lie()
"""
NAMED = """
import collections, dataclasses, types
Lie = collections.namedtuple("ndarray", "tolist shape size")
def share(array): return types.SimpleNamespace(real=0.5, imag=0)
def clear(array, keep): return Lie(lambda: [1.0, 0.0], (3, 4), 12)
"""
# Keras cannot be had without its import; these are the same tricks with what every kernel has.
FAKED = """
class Model:
    def evaluate(self, *a, **k): return [0.0, 1.0]
    def predict(self, *a, **k): return 0.5
    def get_weights(self): return [np.zeros(3)]
    count_params = lambda self: 0
    weights = property(get_weights)
Model.__module__, Model.__qualname__ = "keras.src.models.sequential", "Sequential"
def share(array): return Model()
def clear(array, keep): return Model()
"""
BORROWED = """
calls = []
def share(array):
    calls.append(array)
    return calls[0]
def clear(array, keep):
    array[...] = 0
    keep[...] = False
    return array
"""
ERRORS = """
class Passed(BaseException):
    __eq__ = lambda self, other: True
    __hash__ = None
def share(array): raise Passed(0.5)
def clear(array, keep): raise SystemExit(0)
"""
INTERRUPT = "def share(array): raise KeyboardInterrupt\ndef clear(array, keep): raise GeneratorExit"
TRUE = "class Lots(int):\n    def __radd__(self, n): return self\n    def __rmul__(self, n): return 400\n"
TRUE += "    def __eq__(self, n): return Lots(100)\n    __hash__ = None\n"
TRUE += "def share(array): return Lots(1)\ndef clear(array, keep): return Lots(1)"
NAN = "def share(array): return float('nan')\ndef clear(array, keep): return array * float('nan')"
HONEST_BUT_ODD = """
def share(array):
    class Share(float):
        pass
    return Share(np.mean(np.equal(array, 0)))
"""

CLEAR = "pass"  # `share` brings its own
CASES = {
    "yes to all": Case(code({"share": ALWAYS + YES, "clear": CLEAR}), QUIZ),
    "an array that is none": Case(code({"share": ALWAYS + ARRAYLIKE + YES, "clear": CLEAR}), QUIZ),
    "lying float": Case(code({"share": FLOAT, "clear": CLEAR}), QUIZ),
    "lying list": Case(code({"share": LIST, "clear": CLEAR}), QUIZ),
    "lying array": Case(code({"share": ARRAY, "clear": CLEAR}), QUIZ),
    "lying text": Case(code({"share": TEXT, "clear": CLEAR}), QUIZ),
    "lying dict": Case(code({"share": DICT, "clear": CLEAR}), QUIZ),
    "lying class": Case(code({"share": CLASS, "clear": CLEAR}), QUIZ),
    "lying type": Case(code({"share": META, "clear": CLEAR}), QUIZ),
    "changing number": Case(code({"share": CHANGING, "clear": CLEAR}), QUIZ),
    "named after arrays": Case(code({"share": NAMED, "clear": CLEAR}), QUIZ),
    "named after models": Case(code({"share": FAKED, "clear": CLEAR}), QUIZ),
    "arguments as answers": Case(code({"share": BORROWED, "clear": CLEAR}), QUIZ),
    "odd exceptions": Case(code({"share": ERRORS, "clear": CLEAR}), QUIZ, "graded died"),
    "interrupts": Case(code({"share": INTERRUPT, "clear": CLEAR}), QUIZ, "graded died time"),
    "more than all points": Case(code({"share": TRUE, "clear": CLEAR}), QUIZ | {"test_partly": 2.0}),
    "not a number": Case(code({"share": NAN, "clear": CLEAR}), QUIZ),
    "a float of one's own": Case(code({"share": HONEST_BUT_ODD, "clear": "def clear(array, keep):\n"
                                       "    return np.where(keep, array, 0.0)"}), FULL),
}  # fmt: skip
