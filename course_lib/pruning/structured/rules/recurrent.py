"""How names pass through recurrent layers: a unit is its place in every gate, and an input of all gates."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ..labels import Axis, Labels, Tensor
from .pointwise import activated, pointwise
from .shapes import unknown
from .weights import own

kl = keras.layers
_GATES = {kl.LSTMCell: 4, kl.GRUCell: 3, kl.SimpleRNNCell: 1}
_CONV = (kl.ConvLSTM1D, kl.ConvLSTM2D, kl.ConvLSTM3D)


def recurrent(labels: Labels, layer: Any, x: Tensor, initial_state: Any = None, *masks: Any, **_: Any) -> Any:
    """LSTM, GRU, SimpleRNN, and RNN with their cells, one or several; cells of your own are not known."""
    if not _known(layer):
        return unknown(labels, layer, x, initial_state, *masks)
    labels.freeze_all(masks, "a mask")
    labels.freeze_all(x, "a recurrent layer runs along this axis", but=[0, -1])
    states, into, after = _listed(initial_state), x.axes[-1], []
    for cell in _cells(layer):
        own_states = [states.pop(0) for _ in keras.tree.flatten(cell.state_size)] if states else []
        out = labels.fresh(cell.units)
        labels.size(layer if hasattr(layer, "units") else cell, units=out)
        into, zero = out, _gated(labels, cell, [into], out, own_states)
        after += [(out, zero)] * len(keras.tree.flatten(cell.state_size))
    return _outputs(labels, [(into, zero), *after])


def conv_lstm(labels: Labels, layer: Any, x: Tensor, initial_state: Any = None, *masks: Any, **_: Any) -> Any:
    """ConvLSTM1D, 2D, 3D: as an LSTM, with kernels (…, in, 4 · filters); channels last."""
    if layer.data_format == "channels_first":
        return unknown(labels, layer, x, initial_state, *masks)
    labels.freeze_all(masks, "a mask")
    labels.freeze_all(x, "a recurrent convolution runs along this axis", but=[0, -1])
    out, space = labels.fresh(layer.filters), [None] * layer.cell.rank
    labels.size(layer, filters=out)
    zero = _gated(labels, layer.cell, [*space, x.axes[-1]], out, _listed(initial_state))
    return _outputs(labels, [(out, zero)] * 3)


def bidirectional(
    labels: Labels, layer: Any, x: Tensor, initial_state: Any = None, *masks: Any, **_: Any
) -> Any:
    """Bidirectional: two recurrent layers, their outputs concatenated, joined, or side by side.

    Their units are united: Keras takes both for equally wide.
    """
    sides, whole, states = [layer.forward_layer, layer.backward_layer], labels.shapes, _listed(initial_state)
    if not all(map(_known, sides)) or len({_width(side) for side in sides}) > 1:
        return unknown(labels, layer, x, initial_state, *masks)
    found, each, half = [], (len(whole) - 1) // 2, len(states) // 2
    for side, mine in zip(sides, (states[:half], states[half:]), strict=True):
        labels.shapes = [whole[0], *whole[len(whole) - each :]]
        rule = conv_lstm if isinstance(side, _CONV) else recurrent
        found.append(rule(labels, side, x, mine or None, *masks))
    labels.shapes = whole
    (one, *first), (other, *second) = found
    if layer.merge_mode is None:
        return [one, other, *first, *second]
    names = labels.unite(one.axes[-1], other.axes[-1])
    names = np.tile(names, 2) if layer.merge_mode == "concat" else names
    return [one.named(-1, names, one.zero and other.zero), *first, *second]


def _gated(labels: Labels, cell: Any, into: list[Axis], out: np.ndarray, states: list) -> bool:
    """Record the weights of a cell. Is what a masked unit says zero?

    With all that makes it zero a unit gives tanh(0) = 0, whatever the gates; unless it starts with more.
    """
    gates, place = np.tile(out, _GATES.get(type(cell), 4)), len(into)
    labels.weight(own(cell, "kernel"), [*into, gates], makes=place)
    labels.weight(own(cell, "recurrent_kernel"), [*into[:-1], out, gates], makes=place)
    if cell.bias is not None:
        labels.weight(cell.bias, [None] * (len(cell.bias.shape) - 1) + [gates])
    for state in states:
        labels.unite(out, state.axes[-1] if isinstance(state, Tensor) else None)
    if not pointwise(getattr(cell, "recurrent_activation", None)):
        labels.freeze(out, f"{cell.recurrent_activation.__name__} mixes channels")
    zero = all(isinstance(state, Tensor) and state.zero for state in states)
    return activated(labels, Tensor((None,), (out,), zero), 0, cell.activation).zero


def _outputs(labels: Labels, named: list) -> list[Tensor]:
    """Tensors of the shapes of the operation's outputs, with (names, zero) on their last axes."""
    pairs = zip(labels.shapes, named, strict=False)
    return [Tensor(tuple(s), (None,) * len(s)).named(-1, names, zero) for s, (names, zero) in pairs]


def _listed(states: Any) -> list:
    return [state for state in keras.tree.flatten(states) if state is not None]


def _cells(layer: Any) -> list:
    return list(getattr(layer.cell, "cells", [layer.cell]))


def _known(layer: Any) -> bool:
    """A recurrent layer whose cells we have the rules of."""
    if isinstance(layer, _CONV):
        return layer.data_format != "channels_first"
    return isinstance(layer, kl.RNN) and all(type(cell) in _GATES for cell in _cells(layer))


def _width(layer: Any) -> int:
    return layer.filters if isinstance(layer, _CONV) else _cells(layer)[-1].units
