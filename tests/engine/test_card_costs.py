"""What each layer costs: sums are those of the whole model, bytes are counted by hand."""

import keras
import numpy as np
import pytest

from course_lib import models
from course_lib.pruning import energy, layer_costs, macs, make_masks, parameters, raw_bytes
from course_lib.pruning.card.energy import FLOAT16, FLOAT32, INT8

layers = keras.layers


def tower():
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, name="d"), layers.ReLU(name="r")], name="tower"
    )


def attention():
    x = keras.Input((5, 8))
    y = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x) + x)
    return keras.Model(x, layers.Dense(3)(y))


def recurrent():
    return keras.Sequential(
        [
            keras.Input((7, 5)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3)),
            layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)]),
        ]
    )


def nested_and_shared():
    part, a, b = tower(), keras.Input((4,)), keras.Input((4,))
    return keras.Model([a, b], layers.Concatenate()([part(a), part(b)]))


class Own(keras.Model):
    """A subclassed model with a weight of its own and a layer it never calls."""

    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(5, name="dense")
        self.unused = layers.Dense(2, name="unused")
        self.unused.build((None, 4))
        self.scale = self.add_weight(shape=(5,), name="scale")

    def call(self, x):
        return self.dense(x) * self.scale


def subclassed():
    model = Own()
    model(np.ones((2, 4), "float32"))
    return model


MAKE = [
    models.dense_digits,
    models.conv_digits,
    models.residual_digits,
    attention,
    recurrent,
    nested_and_shared,
]
MAKE += [subclassed]


@pytest.mark.parametrize("make", MAKE, ids=lambda make: make.__name__)
def test_the_layers_add_up_to_the_model(make):
    model = make()
    rows = layer_costs(model)
    masks = make_masks(model, 0.5)
    assert sum(row.parameters for row in rows) == parameters(model).total
    assert sum(row.weight_bytes for row in rows) == raw_bytes(model)
    assert sum(row.macs for row in rows) == macs(model).total
    masks.apply(model)
    rows = layer_costs(model)
    assert sum(row.nonzero for row in rows) == parameters(model).nonzero
    assert sum(row.nonzero_macs for row in rows) == macs(model, masks).total
    assert len({row.path for row in rows}) == len(rows)


def test_a_layer_by_hand():
    rows = {row.path: row for row in layer_costs(models.residual_digits())}
    conv, add = rows["block_2_a_conv"], rows["block_2_add"]
    assert (conv.kind, conv.shape, conv.channels, conv.parameters) == ("Conv2D", (4, 4, 32), 32, 9 * 16 * 32)
    assert (conv.macs, conv.weight_bytes) == (16 * 9 * 16 * 32, 4 * 9 * 16 * 32)
    assert (conv.input_bytes, conv.output_bytes) == (4 * 8 * 8 * 16, 4 * 4 * 4 * 32)
    assert (add.macs, add.input_bytes, add.output_bytes) == (0, 2 * 2048, 2048)


def test_calls_of_a_shared_layer_add_up_and_its_weights_count_once():
    rows = {row.path: row for row in layer_costs(nested_and_shared())}
    assert (rows["tower/d"].parameters, rows["tower/d"].macs, rows["tower/d"].input_bytes) == (15, 24, 32)


def test_what_never_runs_has_no_macs_and_comes_last():
    *_, last = layer_costs(subclassed())
    assert last.path == "unused" and (last.macs, last.shape, last.parameters) == (0, None, 10)


def test_channels_first_knows_its_channels():
    conv = layers.Conv2D(6, 3, data_format="channels_first")
    (row,) = layer_costs(keras.Sequential([keras.Input((2, 9, 9)), conv]))
    assert row.shape == (6, 7, 7) and row.channels == 6


def test_quantized_kernels_still_multiply():
    model = models.dense_digits()
    before = macs(model).total
    model.quantize("int8")
    rows = layer_costs(model)
    assert sum(row.macs for row in rows) == before and {row.dtype for row in rows} == {"int8"}


class TestEnergy:
    def test_by_hand(self):
        """12 MACs, 60 bytes of weights; the Dense reads 16 bytes and writes 12, the ReLU 12 and 12."""
        found = energy(tower())
        assert found == pytest.approx((12 * (3.7 + 0.9), 60 * 160, 52 * 1.25))
        assert found.total == pytest.approx(sum(found))

    def test_a_batch_shares_the_weights(self):
        one, many = energy(tower()), energy(tower(), batch=10)
        assert many == pytest.approx((one.arithmetic, one.weights / 10, one.activations))

    def test_zeros_save_only_on_a_machine_that_skips_them(self):
        model = models.dense_digits()
        before = energy(model)
        make_masks(model, 0.9).apply(model)
        after, skipping = energy(model), energy(model, skip_zeros=True)
        assert after == before
        assert skipping.arithmetic == pytest.approx(0.1 * before.arithmetic)
        assert skipping.weights < 0.2 * before.weights

    def test_smaller_numbers_cost_less_and_are_noticed(self):
        model = tower()
        prices = [energy(model, costs=costs).arithmetic for costs in (FLOAT32, FLOAT16, INT8)]
        assert prices == sorted(prices, reverse=True)
        half = keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype="mixed_float16")])
        assert energy(half).arithmetic == pytest.approx(12 * 1.5)

    def test_no_batch_is_refused(self):
        with pytest.raises(ValueError, match="Received: batch=0"):
            energy(tower(), batch=0)
