"""Counts and bytes, by hand."""

import gzip

import keras
import numpy as np
import pytest

from course_lib.pruning import gzip_bytes, make_masks, parameters, raw_bytes, report, sparsity


def test_a_model_counted_by_hand(net):
    model = net()
    assert sparsity(model) == 0
    assert parameters(model) == (8 * 16 + 16 + 16 * 3 + 3, 176)
    assert raw_bytes(model) == 4 * 195
    make_masks(model, 0.75).apply(model)
    assert sparsity(model) == 0.75
    assert parameters(model).nonzero == 44
    assert raw_bytes(model) == 4 * 195, "zeros take the room of any other number"


def test_minus_zero_is_a_zero(net):
    model = net()
    model.get_layer("last").kernel.assign(np.full((16, 3), -0.0))
    assert report(model)[1].sparsity == 1


def test_report_shows_each_variable_and_all(net):
    model = net()
    make_masks(model, 0.5, within="first").apply(model)
    table = report(model)
    assert [(row.path, row.shape, row.kept, row.total) for row in table] == [
        ("first/kernel", (8, 16), 64, 128),
        ("last/kernel", (16, 3), 48, 48),
    ]
    assert table.all.sparsity == pytest.approx(64 / 176)
    lines = repr(table).splitlines()
    assert len(lines) == 4 and len(set(map(len, lines))) == 1
    assert "8 × 16" in lines[1] and "50.00%" in lines[1] and "36.36%" in lines[3]
    assert table._repr_html_().count("<tr>") == 4


def test_gzip_is_repeatable_and_shrinks_with_sparsity(net):
    sizes = []
    for share in (0, 0.5, 0.9):
        model = net()
        make_masks(model, share).apply(model)
        sizes.append(gzip_bytes(model))
        assert gzip_bytes(model) == sizes[-1]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.5 * sizes[0]


def test_gzip_of_an_array_is_gzip():
    array = np.arange(1000, dtype="float32").reshape(20, 50)
    assert gzip_bytes(array) == len(gzip.compress(array.tobytes(), 6, mtime=0))
    assert gzip_bytes(array.T, level=1) == len(gzip.compress(array.T.tobytes(), 1, mtime=0))
    assert raw_bytes(array) == 4000


def test_frozen_and_normalising_weights_count_as_parameters():
    model = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization()])
    assert parameters(model) == (20, 10)
