"""Export to LiteRT (TensorFlow Lite): float or int8, dense or with sparse encoding."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import keras
import tensorflow as tf

from ..variables import check_model, trained_part
from .compare import Inputs, check, examples, inputs_of
from .files import Exported, exported, replacing
from .interpret import interpret
from .precision import in_float32
from .quiet import quiet
from .trap import trapped

Int8 = Literal["weights", "activations", "everything"]
_TRAP = (
    "LiteRT cannot run these int8 weights in sparse encoding: they are written densely, and gzip packs their "
    "zeros. Prune every Dense layer of 1,024 weights and more in Block(16, 1), to 30 % and more, each with a "
    'number of inputs that is a multiple of 16; or take int8="activations" with examples x.'
)


def save_litert(
    model: keras.Model,
    path: str | os.PathLike,
    x: Any = None,
    sparse: bool = False,
    int8: Int8 | None = None,
    tolerance: float | None = None,
) -> Exported:
    """Write a model as a `.tflite` file that computes the same, loaded again and compared before it is kept.

    `sparse` stores weights that are mostly zero as such; LiteRT computes faster with them only in blocks of
    4 inputs of a Dense layer (16 with int8): ask `fastest_pattern`. `int8="weights"` computes with floats;
    "activations" quantizes these too, with ranges seen on the examples `x`; "everything" also the file's
    inputs and outputs, for devices without floats.

    The trap: sparse int8 weights and float activations do not load with XNNPACK, or compute nonsense. Right,
    and left sparse, are only zeros in `Block(16, 1)` under one scale a kernel, where 16 divides the number of
    inputs and every other Dense layer is sparse too or small (fewer than 1,024 weights stay float).
    Otherwise all weights are written densely, with a warning (gzip packs their zeros all the same).

    Compared on `x`, or on random inputs. `tolerance`: for float the `largest` difference, 1e-5 (more for half
    precision); for int8, which rounds, the `typical` one, 0.25: nonsense has 1 and more.
    Raises: ValueError for a model that LiteRT cannot express, int8 activations without `x`, and a file that
    computes something else; `path` is then as it was.
    """
    check_model(trained_part(model))
    if int8 not in (None, "weights", "activations", "everything"):
        raise ValueError(f'int8 must be None, "weights", "activations" or "everything". Received: {int8!r}.')
    if int8 in ("activations", "everything") and x is None:
        raise ValueError(f'int8={int8!r} measures ranges on examples: pass x, or use int8="weights".')
    with replacing(path, ".tflite") as temporary:
        temporary.write_bytes(converted(model, x, sparse, int8))
        bound = 0.25 if int8 and tolerance is None else tolerance
        found = check(interpret(temporary), model, x, bound, typical=bool(int8))
    return exported(path, found)


def converted(model: keras.Model, x: Any = None, sparse: bool = False, int8: Int8 | None = None) -> bytes:
    """The content of a LiteRT file, not yet compared with anything.

    It takes any batch size; where LiteRT needs to know it (recurrent layers), 1. LiteRT knows float32 only:
    models in other precisions are converted as their twin in float32.
    """
    model, inputs = in_float32(trained_part(model)), inputs_of(model, x)
    content = _for_any_batch(model, inputs, x, sparse, int8)
    if sparse and int8 == "weights" and trapped(content):
        warnings.warn(_TRAP, stacklevel=3)
        content = _for_any_batch(model, inputs, x, False, int8)
    return content


def _for_any_batch(model: keras.Model, inputs: Inputs, *how: Any) -> bytes:
    try:
        return _attempt(model, inputs, *how)
    except Exception as error:  # the converter raises its own, RuntimeError, ValueError, AttributeError
        if inputs.flat[0].shape[0] is None:
            try:
                return _attempt(model, _one_example(inputs), *how)
            except Exception:
                pass  # the first error says more
        raise ValueError(
            f"LiteRT cannot express model {model.name!r}: {_reason(str(error))}. Replace what it names, or "
            "export a Keras file or an archive (`pack`)."
        ) from error


def _reason(said: str) -> str:
    missing = sorted(set(re.findall(r"\ttf\.(\w+)", said)))
    return f"no operation for {', '.join(missing)}" if missing else said.strip().splitlines()[0][:200]


def _attempt(model: keras.Model, inputs: Inputs, x: Any, sparse: bool, int8: Int8 | None) -> bytes:
    module = tf.Module()
    with quiet():
        function = _function(model, inputs)
        # Given a Keras 3 model instead, the converter loses the weights and says nothing: outputs are NaN.
        module.weights = function.variables
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
        optimize = tf.lite.Optimize
        converter.optimizations = [optimize.DEFAULT] * bool(int8) + [optimize.EXPERIMENTAL_SPARSITY] * sparse
        if sparse and int8 == "weights":  # with a scale for each output, XNNPACK computes nonsense
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        if int8 in ("activations", "everything"):
            _refuse_loops(function)
            converter.representative_dataset = partial(_one_by_one, model, inputs, x)
        if int8 == "everything":
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            whole = all("float" in tensor.dtype for tensor in inputs.flat)
            converter.inference_input_type = tf.int8 if whole else tf.float32
            converter.inference_output_type = tf.int8
        return converter.convert()


def _function(model: keras.Model, inputs: Inputs) -> Any:
    """The model as a function of flat inputs, with an output "output_0", "output_1"… for each of its own."""

    def call(*tensors: Any) -> dict[str, Any]:
        outputs = model(keras.tree.pack_sequence_as(inputs.structure, list(tensors)), training=False)
        return {f"output_{i}": tf.identity(t) for i, t in enumerate(keras.tree.flatten(outputs))}

    specs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name)
        for tensor, name in zip(inputs.flat, _names(inputs), strict=True)
    ]
    return tf.function(call, input_signature=specs).get_concrete_function()


def _refuse_loops(function: Any) -> None:
    # Not for the converter to find out: it ends the process with a segmentation fault.
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    if loops := sorted({node.op for node in nodes} & {"While", "StatelessWhile", "If", "StatelessIf"}):
        raise ValueError(
            f"int8 activations inside a loop ({', '.join(loops)}), as of an LSTM or GRU, crash the "
            'converter: use int8="weights", or unroll=True in the layer'
        )


def _names(inputs: Inputs) -> list[str]:
    # The converter keeps names, not the order: a number in the name does.
    names = [re.sub(r"\W", "_", tensor.name) for tensor in inputs.flat]
    return names if len(names) == 1 else [f"input_{i}_{name}" for i, name in enumerate(names)]


def _one_example(inputs: Inputs) -> Inputs:
    def one(tensor: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor((1, *tensor.shape[1:]), tensor.dtype, name=tensor.name)

    structure = keras.tree.map_structure(one, inputs.structure)
    return Inputs(structure, keras.tree.flatten(structure))


def _one_by_one(model: keras.Model, inputs: Inputs, x: Any, count: int = 256) -> Iterator[dict]:
    arrays = examples(model, x, count)
    size = inputs.flat[0].shape[0] or 1
    for i in range(0, len(arrays[0]), size):
        yield {n: a[i : i + size] for n, a in zip(_names(inputs), arrays, strict=True)}
