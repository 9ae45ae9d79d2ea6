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

    Right are only blocks of 16 inputs with one scale for the whole kernel; other zeros do not load, and with
    a scale for each output the product is nonsense.
    """
    tensors = {d["index"]: d for d in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()
    unpacked = {int(o["outputs"][0]) for o in operations if o["op_name"] == "DENSIFY"}

    def wrong(data: dict, weights: dict) -> bool:
        scales = len(weights["quantization_parameters"]["scales"])
        sparse = bool(weights["sparsity_parameters"]) and scales != 1
        mixed = weights["dtype"] is np.int8 and data["dtype"] is np.float32
        return mixed and (sparse or weights["index"] in unpacked)

    pairs = ([tensors[int(i)] for i in o["inputs"][:2] if i >= 0] for o in operations)
    return any(len(pair) == 2 and wrong(*pair) for pair in pairs)
