"""How much memory a model needs to answer: counted from its graph, or measured in a fresh process."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from ..flow import example_specs, traced
from ..measure import raw_bytes
from .costs import tensor_bytes
from .fresh import in_fresh_process

# Operations that hand on the memory of their input, as it is.
_VIEWS = {"Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "EnsureShape", "Snapshot"}
# Element by element: TensorFlow and LiteRT write the result over an input that nobody else needs.
_IN_PLACE = set(
    "BiasAdd AddV2 Add AddN Sub Mul RealDiv Maximum Minimum SquaredDifference Relu Relu6 LeakyRelu Elu Selu "
    "Sigmoid Tanh Softplus Softsign Softmax Exp Neg Erf Erfc Sqrt Rsqrt Square Pow Abs Log "
    "ClipByValue".split()
)


class Memory(NamedTuple):
    """Bytes a model needs for one example: `weights`, and the activations that are alive at once, `peak`.

    `at` is the operation of the graph where the peak is; `total` are the bytes of all activations that are
    ever written, which is what a machine that keeps them all (training) would need.
    """

    weights: int
    peak: int
    at: str
    total: int

    def for_batch(self, size: int) -> int:
        """Weights once and activations `size` times."""
        return self.weights + size * self.peak


class Resident(NamedTuple):
    """Bytes by which a process grew when a model was `loaded`, and at most, further, when `running`."""

    loaded: int
    running: int


def planned_memory(model: keras.Model, x: Any = None) -> Memory:
    """The memory of inference as a planner sees it, counted from the traced graph of one example.

    Operations run in the order of the graph; a tensor, the input too, lives from where it is made to its last
    use; reshapes take no room and elementwise operations write over an input that is not needed again. The
    peak is the largest sum of what lives at once. Not counted: scratch space of kernels (oneDNN, im2col) and
    what happens inside loops. Zeros take the room of other numbers. A real run may need more: operations may
    run side by side. See `resident_memory`.
    Raises: ValueError as `macs` does.
    """
    specs, batch = example_specs(model, x)
    _, graph = traced(model, [], specs)
    size, birth, death, names = _buffers(graph)
    change: dict[int, int] = {}
    for buffer, bytes in size.items():
        change[birth[buffer]] = change.get(birth[buffer], 0) + bytes
        change[death[buffer] + 1] = change.get(death[buffer] + 1, 0) - bytes
    alive = peak = where = 0
    for step in sorted(change):
        alive += change[step]
        peak, where = max((peak, where), (alive, step), key=lambda pair: pair[0])
    total = sum(size.values()) // batch
    return Memory(raw_bytes(model), peak // batch, names[where] if names else "", total)


def _buffers(graph: Any) -> tuple[dict, dict, dict, list[str]]:
    """{buffer: bytes}, {buffer: first step}, {buffer: last step}, and the names of all steps.

    A buffer is known by the name of the first tensor that lies in it. What depends on no input is a weight or
    made of weights alone.
    """
    captured = {id(t) for t in graph.internal_captures}
    home = {t.name: t.name for t in graph.inputs if id(t) not in captured}
    steps = [op for op in graph.get_operations() if op.outputs and op.type != "Shape"]
    last = {t.name: i for i, op in enumerate(steps) for t in op.inputs}
    last |= {t.name: len(steps) for t in graph.outputs}
    size, birth, death = {}, {}, {}
    for step, op in enumerate(steps):
        came = [home.get(t.name) for t in op.inputs]
        done = {size[b]: b for b in came if b and death[b] == step}  # nobody needs these after this step
        if op.type == "IdentityN":  # of several tensors at once; Keras's swish comes out of one
            home |= {t.name: b for t, b in zip(op.outputs, came, strict=True) if b}
        elif any(came):
            home |= {t.name: _place(op, t, came, done) for t in op.outputs}
        for tensor in (t for t in op.outputs if t.name in home):
            buffer = home[tensor.name]
            size.setdefault(buffer, tensor_bytes(tensor))
            birth.setdefault(buffer, step)
            death[buffer] = max(death.get(buffer, step), last.get(tensor.name, step))
    return size, birth, death, [op.name for op in steps]


def _place(op: tf.Operation, tensor: tf.Tensor, came: list[str | None], done: dict[int, str]) -> str:
    """The buffer that a tensor lies in: that of an input, or its own, which has its name."""
    if op.type in _VIEWS:
        return came[0] or tensor.name
    return done.get(tensor_bytes(tensor), tensor.name) if op.type in _IN_PLACE else tensor.name


def resident_memory(model: keras.Model, x: Any, size: int = 1) -> Resident:
    """The memory that the system gives a fresh process to load a model and to answer a batch, measured.

    `x`: an example or more, repeated or cut to a batch of `size`. What TensorFlow itself takes is not in it;
    scratch space of kernels and copies of weights are. Pages are 4 kB and allocators keep reserves: of models
    below a few MB it says little. Takes some ten seconds.
    Raises: OSError where the system does not tell (Linux does), otherwise as `latency` does.
    """
    found = in_fresh_process({"model": model}, x, (size,), measure="memory")
    return Resident(int(found["loaded"]), int(found["running"]))
