"""An energy model: operations and bytes moved, times what each cost in silicon that was measured once.

A model, never a measurement. The figures are those of Horowitz, "Computing's energy problem", ISSCC 2014, for
45 nm at 0.9 V, with the 32-bit memory figures as quoted by Han et al. 2015, arXiv:1506.02626: 32-bit SRAM
(8 kB) 5 pJ, 32-bit DRAM 640 pJ. Newer chips need several times less of everything; ratios change slower.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

from .costs import LayerCost, layer_costs
from .storage import Stored, storage


class Costs(NamedTuple):
    """Picojoules of one multiplication, one addition, and of one byte from SRAM and from DRAM."""

    multiply: float
    add: float
    sram_byte: float = 5 / 4
    dram_byte: float = 640 / 4


# Products of 8 bits are added up in 32: 0.1 pJ; an addition of 8 bits would be 0.03.
FLOAT32, FLOAT16, INT8 = Costs(3.7, 0.9), Costs(1.1, 0.4), Costs(0.2, 0.1)
_BY_DTYPE = {"float16": FLOAT16, "bfloat16": FLOAT16, "int8": INT8}


class Energy(NamedTuple):
    """Picojoules for one example: arithmetic, weights from DRAM, activations to SRAM and back."""

    arithmetic: float
    weights: float
    activations: float

    @property
    def total(self) -> float:
        """The sum, in picojoules."""
        return sum(self)


def energy(
    model: keras.Model, x: Any = None, skip_zeros: bool = False, batch: int = 1, costs: Costs | None = None
) -> Energy:
    """What one example would cost on a simple machine, in picojoules: a model, see this file's first lines.

    Every multiply-accumulate is a multiplication and an addition; every weight comes from DRAM once a batch,
    as stored, and every activation is written to SRAM once and read where it is used. `skip_zeros` imagines a
    machine that works on a sparse format (the smallest of `storage`) and skips zeros without loss; ordinary
    hardware does not. `costs`: `FLOAT32`, `FLOAT16`, `INT8` or one's own; None takes that of the numbers each
    layer computes with. Bytes are those of the model as it is. Caches, control, leakage and idle time are not
    in it, nor layers whose MACs are not known.
    Raises: ValueError for a batch below 1 and as `macs` does.
    """
    if batch < 1:
        raise ValueError(f"A batch has at least one example. Received: batch={batch}.")
    return spent(layer_costs(model, x), storage(model).all, skip_zeros, batch, costs)


def spent(
    layers: list[LayerCost], stored: Stored, skip_zeros: bool, batch: int = 1, costs: Costs | None = None
) -> Energy:
    """The energy of layers whose costs are known, of a model stored so."""
    arithmetic = moved = 0.0
    for row in layers:
        price = costs or _BY_DTYPE.get(row.dtype, FLOAT32)
        arithmetic += ((row.nonzero_macs if skip_zeros else row.macs) or 0) * (price.multiply + price.add)
        moved += (row.input_bytes + row.output_bytes) * price.sram_byte
    bytes = min(stored.csr, stored.bsr, stored.bitmask) if skip_zeros else stored.raw
    return Energy(arithmetic, bytes / batch * (costs or FLOAT32).dram_byte, moved)
