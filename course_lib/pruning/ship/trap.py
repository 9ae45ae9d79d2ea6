"""The trap of LiteRT: int8 weights in sparse encoding, multiplied by float activations (TensorFlow 2.21).

The converter makes such files of `DEFAULT + EXPERIMENTAL_SPARSITY`. With XNNPACK, the default, they do not
load ("failed to delegate FULLY_CONNECTED"), or worse, load and compute nonsense.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from .quiet import quiet

_PLAIN = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def trapped(content: bytes) -> bool:
    """Whether a LiteRT file needs LiteRT's own kernels, as XNNPACK would refuse it or compute nonsense."""
    return mixed_sparse(opened_plainly(content))


def opened_plainly(content: bytes, threads: int = 1) -> Any:
    """An interpreter without XNNPACK. Raises: ValueError for what is no LiteRT file."""
    with quiet():
        try:
            return tf.lite.Interpreter(
                model_content=content, num_threads=threads, experimental_op_resolver_type=_PLAIN
            )
        except ValueError as error:
            raise ValueError(f"This is no LiteRT file. Received: {len(content):,} bytes ({error}).") from None


def mixed_sparse(interpreter: Any) -> bool:
    """Whether any layer multiplies float activations by sparse int8 weights, in a way XNNPACK gets wrong.

    Right are only blocks of 16 inputs with one scale for the whole kernel, where 16 divides the number of
    inputs and no Dense layer has int8 weights that are dense (float ones and convolutions do no harm). Other
    zeros do not load, or the product of the sparse layer is nonsense.
    """
    tensors = {d["index"]: d for d in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()
    unpacked = {int(o["outputs"][0]) for o in operations if o["op_name"] == "DENSIFY"}
    pairs = [(o["op_name"], *(tensors[int(i)] for i in o["inputs"][:2] if i >= 0)) for o in operations]
    mixed = [
        (name, weights) for name, data, weights in (p for p in pairs if len(p) == 3) if _mixes(data, weights)
    ]
    sparse = [weights for _, weights in mixed if weights["sparsity_parameters"]]
    dense = [name for name, weights in mixed if not weights["sparsity_parameters"]]
    return (
        any(weights["index"] in unpacked for _, weights in mixed)
        or any(map(_unlike_blocks, sparse))
        or bool(sparse and "FULLY_CONNECTED" in dense)
    )


def _mixes(data: dict, weights: dict) -> bool:
    return weights["dtype"] is np.int8 and data["dtype"] is np.float32


def _unlike_blocks(weights: dict) -> bool:
    return len(weights["quantization_parameters"]["scales"]) != 1 or weights["shape"][-1] % 16 != 0
