"""A lesson whose answers are odd, honest things: setup, answers, and tests in the ordinary way of writing."""

SETUP = """
import collections, dataclasses, fractions, functools, math, sys
import numpy as np
import pandas as pd
import scipy.sparse
import tensorflow as tf
import keras
layers = keras.layers
dense = layers.Dense
LIMIT = math.pi
"""
CLASSES = """
class Net(keras.Model):
    ### BEGIN SOLUTION
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(2, kernel_initializer="ones")
    def call(self, x):
        return 2 * self.inner(x)
    ### END SOLUTION
@dataclasses.dataclass
class Report:
    ### BEGIN SOLUTION
    zeros: int
    size: int
    @property
    def share(self):
        return self.zeros / self.size
    def line(self, digits=1):
        return f"{self.share:.{digits}f}"
    ### END SOLUTION
"""
ANSWERS = """
import itertools
Pair = collections.namedtuple("Pair", "left right")
def half(): return np.float32(0.5)
def square(): return np.matrix([[1, 2], [3, 4]])
def masked(x): return np.ma.masked_less(x, 2)
def fields(): return np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])
def ragged(n): return [[0] * i for i in range(n)]
def uneven(): return np.array([np.zeros(1), np.zeros(3)], dtype=object)
def rows(): return tf.ragged.constant([[1, 2], [], [3]])
def few(x): return tf.sparse.from_dense(x)
def words(): return tf.constant(["a", "bc"])
def shape(x): return tf.constant(x).shape, tf.constant(x).dtype
def packed(x, kind): return getattr(scipy.sparse, kind + "_matrix")(x)
def blocks(x): return scipy.sparse.bsr_array(x, blocksize=(2, 2))
def cleared(matrix):
    matrix.data[matrix.data < 3] = 0
    matrix.eliminate_zeros()
def table(): return pd.DataFrame({"name": ["a", "b"], "zeros": [1, 2], "share": [0.5, np.nan]})
def column(frame): return frame["zeros"].rename("n")
def widen(frame): frame["twice"] = 2 * frame["zeros"]
def groups(items):
    found = collections.defaultdict(list)
    for one in items: found[one % 2].append(one)
    return found
def counts(text): return collections.Counter(text)
def ordered(): return collections.OrderedDict([("b", 1), ("a", 2)])
def recent(items): return collections.deque(items, maxlen=2)
def pair(a, b): return Pair(a, b)
def swap(one): return one._replace(left=one.right, right=one.left), type(one) is Pair
def report(x): return Report(int((x == 0).sum()), x.size)
def grown(one): one.zeros += 1; return one
def powers(n): return functools.partial(pow, n)
def adder(n): return lambda x: x + n
def bound(items): return items.append
class Running:
    def __init__(self): self.total = 0
    def add(self, x): self.total += x; return self.total
def running(): return Running().add
def steps(n): return itertools.chain(range(n), [n])
def again(items): return iter(items)
def third(): return fractions.Fraction(1, 3)
def nothing(): pass
def kept(x): return [x] * 2
def limits(): return None, ..., math.inf, math.nan, True, b"x", 1j
def history(x, y):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model.fit(x, y, epochs=2, verbose=0)
def own_loss(x, y):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    def loss(a, b): return keras.ops.mean((a - b) ** 2)
    model.compile("adam", loss, metrics=[lambda a, b: keras.ops.mean(a)])
    model.fit(x, y, epochs=1, verbose=0)
    return model
def two_heads(model):
    return keras.Model(model.inputs, model.layers[0].output)
def recompiled(model, x, y):
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mae")
    model.train_on_batch(x, y)
def variable(): return tf.Variable([1.0, 2.0])
def seeds(): return np.random.RandomState(3)
def module(): return math
"""
TESTS_TEXT = """
# scalars
assert half() == 0.5 and isinstance(half(), np.floating) and half().dtype == "float32"
# matrices
assert (square() * square() == [[7, 10], [15, 22]]).all() and square().I.shape == (2, 2)
# masked
found = masked(np.arange(5))
assert found.sum() == 9 and found.mask.tolist() == [True, True, False, False, False] and found.count() == 3
# records
assert fields().a.tolist() == [1, 3] and fields()["b"].sum() == 6
# ragged
assert ragged(3) == [[], [0], [0, 0]] and [len(one) for one in uneven()] == [1, 3]
# ragged_tensors
assert rows().to_list() == [[1, 2], [], [3]] and rows().row_lengths().numpy().tolist() == [2, 0, 1]
# sparse_tensors
x = np.eye(3) * [1, 0, 2]
assert np.array_equal(tf.sparse.to_dense(few(x)), x) and len(few(x).values) == 2
# text_tensors
assert words().numpy().tolist() == [b"a", b"bc"]
# shapes
found, kind = shape(np.zeros((2, 3)))
assert found == (2, 3) and found.rank == 2 and kind == tf.float64
# sparse
x = np.arange(12.0).reshape(3, 4) * (np.arange(12).reshape(3, 4) % 5 == 1)
for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
    found = packed(x, kind)
    assert scipy.sparse.issparse(found) and found.format == kind and found.nnz == 3, found
    assert np.array_equal(found.toarray(), x) and np.array_equal(found @ np.ones(4), x @ np.ones(4))
found = packed(x, "csr")
assert found.indptr.tolist() == [0, 1, 2, 3] and found.data.tolist() == x[x != 0].tolist()
assert blocks(np.eye(4)).blocksize == (2, 2)
cleared(found)
assert found.nnz == 2 and found.toarray()[0].sum() == 0
# tables
found = table()
assert list(found.columns) == ["name", "zeros", "share"] and found["zeros"].sum() == 3
assert found["share"].isna().tolist() == [False, True] and found.loc[1, "name"] == "b"
pd.testing.assert_series_equal(column(found), pd.Series([1, 2], name="n"))
widen(found)
assert found["twice"].tolist() == [2, 4]
# dicts
found = groups(range(5))
assert found == {0: [0, 2, 4], 1: [1, 3]} and found[7] == [] and isinstance(found, dict)
assert counts("abca").most_common(1) == [("a", 2)] and counts("a")["z"] == 0
assert list(ordered()) == ["b", "a"] and ordered() != collections.OrderedDict([("a", 2), ("b", 1)])
assert recent([1, 2, 3]).maxlen == 2 and list(recent([1, 2, 3])) == [2, 3]
# named_tuples
found = pair(1, [2])
assert found.left == 1 and found[1] == [2] and found == (1, [2]) and found._fields == ("left", "right")
assert swap(found) == (([2], 1), True)
# dataclasses
found = report(np.array([0, 1, 0, 2]))
assert found.zeros == 2 and found.share == 0.5 and found.line(digits=2) == "0.50"
assert isinstance(found, Report) and found == Report(2, 4) and found != Report(1, 4)
assert grown(found) is found and found.zeros == 3 and found.share == 0.75
assert dataclasses.asdict(found) == {"zeros": 3, "size": 4}
# functions
assert powers(2)(5) == 32 and powers(2).func(3, 2) == 9 and adder(3)(4) == 7 and callable(adder(1))
items = [1]
bound(items)(2)
assert items == [1, 2]
add = running()
assert add(2) == 2 and add(3) == 5
# iterators
assert list(steps(2)) == [0, 1, 2] and next(again([5, 6])) == 5 and sum(again([1, 2])) == 3
# fractions
assert third() * 3 == 1 and third().denominator == 3
# nothing
assert nothing() is None
a, b = kept([])
assert a is b
none, dots, inf, nan, true, text, number = limits()
assert none is None and dots is ... and inf > 1e300 and nan != nan and true is True
assert text == b"x" and number == 1j
# subclassed_models
net = Net()
assert np.allclose(net(np.ones((1, 3))), 6) and len(net.weights) == 2
# history
x = np.ones((4, 2), "float32")
found = history(x, x[:, :1])
assert len(found.history["loss"]) == 2 and found.history["loss"][1] < found.history["loss"][0]
# own_losses
found = own_loss(x, x[:, :1])
assert isinstance(found, keras.Model) and found.predict(x, verbose=0).shape == (4, 1)
# shared_layers
model = keras.Sequential([keras.Input((2,)), dense(3), layers.Dense(1)])
found = two_heads(model)
model.layers[0].kernel.assign(np.ones((2, 3)))
assert np.allclose(found.predict(x, verbose=0), 2 + model.layers[0].bias.numpy())
# recompiled
model.compile("adam", "mse")
model.train_on_batch(x, x[:, :1])
recompiled(model, x, x[:, :1])
assert isinstance(model.optimizer, keras.optimizers.SGD) and model.optimizer.iterations.numpy() == 1
# variables
assert variable().numpy().tolist() == [1, 2]
# generators
assert seeds().normal() == np.random.RandomState(3).normal()
# modules
assert module().sqrt(4) == 2 and LIMIT == math.pi and layers.Dense is dense
# only_what_is_needed
assert "tf_keras" not in sys.modules and "tensorflow_model_optimization" not in sys.modules
"""
TESTS = dict(part.split("\n", 1) for part in TESTS_TEXT.removeprefix("\n# ").split("\n# "))
