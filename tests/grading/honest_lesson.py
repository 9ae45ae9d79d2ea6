"""A lesson whose tests do all that honest tests do with a student's functions: setup, answers, tests."""

SETUP = """
import math, os, time, tempfile
from dataclasses import dataclass
import numpy as np
import helper
FACTOR = 3
def scaled(x):
    return FACTOR * helper.same(x)
"""
ANSWERS = """
class Counter:
    def __init__(self, start):
        self.history = [start]
    def __call__(self, x):
        self.history.append(x)
        return self
    def __len__(self):
        return len(self.history)
    def __add__(self, other):
        return Counter(len(self) + len(other))

@dataclass
class Found:
    score: float
    names: list

memory = {}
def same(x): return x
def fill(array): array[...] = 7
def append(things, one): things.append(one); return things
def fails(x): return 1 / x
def stops(name): raise KeyError(name)
def found(x): return Found(x, ["a"])
def apply(f, x): return f(f(x))
def caught(f):
    try:
        f()
    except ValueError as error:
        return f"caught {error}"
def numbers(n):
    for i in range(n):
        yield i
def timed(f):
    start = time.perf_counter(); f(); return time.perf_counter() - start
def kept(x):
    memory["x"] = x
def stored():
    return memory["x"]
def saved(path): np.save(path, np.arange(3)); open("here.txt", "w").write("saved")
def named(n=2, *, sign=1): return sign * n
def draws(random): return random.normal(size=2)
def scores(arrays): return {name: float(np.abs(a).sum()) for name, a in arrays.items()}
def written(): return open("here.txt").read()
"""
TESTS_TEXT = """
# values
many = (1, -0.0, 2**80, 1j, 'ü', b'x', (1, [2]), {3}, range(3), ..., None, slice(2), np.float32(3))
for one in many:
    assert same(one) == one and type(same(one)) is type(one), one
# identity
a, b = np.zeros(2), [1]
assert same(a) is a and same((a, b))[1] is b
assert append(b, 2) is b == [1, 2]
# in_place
a = np.zeros((2, 3))
fill(a[0])
assert (a == [[7] * 3, [0] * 3]).all()
# errors
try:
    fails(0)
except ZeroDivisionError as error:
    assert 'division' in str(error)
else:
    assert False
try:
    stops('k')
except KeyError as error:
    assert error.args == ('k',)
# callbacks
calls = []
def twice(x):
    calls.append(x)
    return 2 * x
assert apply(twice, 3) == 12 and calls == [3, 6]
def bad():
    raise ValueError('mine')
assert caught(bad) == 'caught mine'
# own_error
class Own(Exception):
    pass
def bad():
    raise Own('mine')
try:
    apply(lambda x: bad(), 1)
except Own as error:
    assert str(error) == 'mine'
else:
    assert False
# iterators
it = numbers(3)
assert next(it) == 0 and list(it) == [1, 2] and sum(numbers(4)) == 6
# objects
c = Counter(1)
assert c(2) is c and c.history == [1, 2] 
assert len(c + c) == 1
held = c.history
c(5)
assert held == [1, 2, 5]
held.append(6)
assert len(c) == 4 and isinstance(c, Counter)
# records
f = found(0.5)
assert f.score == 0.5 and f.names == ['a']
# patched
now = [0.0]
real = time.perf_counter
time.perf_counter = lambda: now[0]
def work():
    now[0] += 5
try:
    assert timed(work) == 5
finally:
    time.perf_counter = real
assert timed(lambda: None) < 5
# memory
a = np.zeros(2)
kept(a)
a += 1
assert (stored() == 1).all() and stored() is a
# files
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'a.npy')
    saved(path)
    assert np.load(path).tolist() == [0, 1, 2]
assert open('here.txt').read() == 'saved'
open('here.txt', 'w').write('by the test')
assert written() == 'by the test'
# keywords
assert named() == 2 and named(sign=-1) == -2 and named(*[3], **{'sign': 2}) == 6
try:
    named(wrong=1)
except TypeError as error:
    assert 'wrong' in str(error)
# randomness
a, b = np.random.default_rng(1), np.random.default_rng(1)
assert (draws(a) == b.normal(size=2)).all() and a.normal() == b.normal()
# lesson
assert scaled(2) == 6 and math.pi > 3 and helper.VALUE == 4 and same.__name__ == 'same'
# own_class
class Box:
    def __init__(self):
        self.seen = []
    def __call__(self, x):
        self.seen.append(x)
        return x + 1
box = Box()
assert apply(box, 1) == 3 and box.seen == [1, 2]
# many
shapes = {str(i): np.full((i, i), 2.0) for i in range(1, 30)}
assert scores(shapes) == {n: float(a.sum()) for n, a in shapes.items()}
# earlier
assert box.seen == [1, 2] and apply(twice, 1) == 4
# credit
2
"""
TESTS = dict(part.split("\n", 1) for part in TESTS_TEXT.removeprefix("\n# ").split("\n# "))
