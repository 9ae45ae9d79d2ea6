"""Archives: every bit comes back, sizes are those of the forms, and other files are refused."""

import json
import os
import zipfile

import keras
import ml_dtypes
import nets
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.pruning import make_masks, named_variables
from course_lib.pruning.ship.archive import pack, unpack
from course_lib.pruning.ship.forms import FORMS, bits_of, encoded
from course_lib.pruning.ship.runtime import decode

DTYPES = [np.float32, np.float16, ml_dtypes.bfloat16, np.float64, np.int8, np.bool_]


def again(array, form, block):
    kind, parts = encoded(array, form, block)
    entry = {"shape": array.shape, "form": kind, "dtype": str(array.dtype)}
    return decode(entry, parts)


@settings(max_examples=150)
@given(
    st.data(),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7),
    st.sampled_from(["best", *FORMS]),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_every_bit_of_every_array_comes_back(data, shape, form, block):
    """Arrays of any bits at all, NaN with payloads and −0.0 among them."""
    dtype = np.dtype(data.draw(st.sampled_from([d for d in DTYPES if d is not np.bool_])))
    bits = data.draw(hnp.arrays(f"u{dtype.itemsize}", shape))
    bits = np.where(data.draw(hnp.arrays(bool, shape)), bits, 0).astype(bits.dtype)
    array = bits.reshape(-1).view(dtype).reshape(shape)
    found = again(array, form, block)
    assert found.dtype == bits.dtype
    np.testing.assert_array_equal(found, bits)


def test_a_negative_zero_is_a_value():
    array = np.array([[0.0, -0.0, np.nan, 1.0]], np.float32)
    _, parts = encoded(array, "bitmask", (1, 1))
    assert len(parts["values"]) == 3
    np.testing.assert_array_equal(bits_of(array), again(array, "csr", (1, 1))[0])


def test_bytes_by_hand():
    matrix = np.zeros((8, 6), np.float32)
    matrix[:4, 2] = matrix[5, 3] = 1.0
    found = {form: encoded(matrix, form, (4, 1))[1] for form in FORMS}
    assert {form: sum(part.nbytes for part in parts.values()) for form, parts in found.items()} == {
        "dense": 8 * 6 * 4,
        "bitmask": 6 + 5 * 4,  # 48 bits, five values
        "csr": 5 * 4 + 5 + 9,  # values, columns, row starts
        "bsr": 2 * 4 * 4 + 2 + 3,  # two whole blocks
    }
    assert encoded(matrix, "best", (4, 1))[0] == "bitmask"
    assert encoded(np.ones((4, 4), np.float32), "best", (4, 1))[0] == "dense"


def test_rows_are_those_of_scipy():
    rng = np.random.default_rng(0)
    matrix = np.where(rng.random((40, 30)) > 0.8, rng.normal(size=(40, 30)), 0).astype(np.float32)
    theirs, (_, ours) = scipy.sparse.csr_matrix(matrix), encoded(matrix, "csr", (1, 1))
    np.testing.assert_array_equal(ours["values"].view(np.float32), theirs.data)
    np.testing.assert_array_equal(ours["columns"], theirs.indices)
    np.testing.assert_array_equal(ours["starts"], theirs.indptr)


def test_blocks_are_those_of_scipy():
    rng = np.random.default_rng(0)
    matrix = np.where(rng.random((40, 30)) > 0.9, rng.normal(size=(40, 30)), 0).astype(np.float32)
    theirs = scipy.sparse.bsr_matrix(matrix, blocksize=(4, 2))
    theirs.sort_indices()
    _, ours = encoded(matrix, "bsr", (4, 2))
    np.testing.assert_array_equal(ours["values"].view(np.float32), theirs.data)
    np.testing.assert_array_equal(ours["columns"], theirs.indices)
    np.testing.assert_array_equal(ours["starts"], theirs.indptr)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("form", ["best", *FORMS])
def test_a_model_comes_back_into_its_clone(tmp_path, form, dtype):
    layers = [keras.layers.Conv2D(5, 3, dtype=dtype), keras.layers.BatchNormalization(dtype=dtype)]
    model = keras.Sequential([keras.Input((6, 6, 3)), *layers, keras.layers.PReLU(dtype=dtype)])
    nets.stirred(model)
    make_masks(model, 0.8).apply(model)
    clone = keras.models.clone_model(model)
    pack(model, tmp_path / "a.npz", form)
    found = unpack(tmp_path / "a.npz", clone)
    assert list(found) == list(named_variables(model))
    for mine, theirs in zip(model.weights, clone.weights, strict=True):
        a, b = keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(theirs)
        np.testing.assert_array_equal(bits_of(a), bits_of(b))


def test_the_file_is_the_same_each_time_and_numpy_reads_it(tmp_path):
    model = nets.perceptron()
    first, second = (pack(model, tmp_path / name) for name in ("a.npz", "b.npz"))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.bytes == os.path.getsize(first.path)
    with np.load(first.path, allow_pickle=False) as archive:
        assert json.loads(archive["index.json"])[0]["path"] == "d0/kernel"


def test_best_is_never_larger_than_another_form(tmp_path):
    model = nets.perceptron((40, 60, 30, 3))
    for sparsity in (0.1, 0.5, 0.95):
        make_masks(model, sparsity).apply(model)
        size = {f: pack(model, tmp_path / "a.npz", f, compress=False).bytes for f in ("best", *FORMS)}
        assert size["best"] <= min(size[f] for f in FORMS) + 200  # the index names what each weight took


def test_other_files_and_other_models_change_nothing(tmp_path):
    model, other = nets.perceptron(), nets.perceptron((12, 32, 17, 3))
    path = pack(model, tmp_path / "a.npz").path
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"another model.*'d1/kernel'"):
        unpack(path, other)
    for mine, theirs in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "cut.npz").write_bytes(path.read_bytes()[:-200])
    np.savez(tmp_path / "plain.npz", x=1)
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as file:
        file.writestr("index.json", json.dumps([{"path": "w", "parts": ["values"]}]))
    for name in ("text", "cut", "plain", "odd"):
        with pytest.raises(ValueError, match="no archive made by pack"):
            unpack(tmp_path / f"{name}.npz")
    with pytest.raises(FileNotFoundError, match="no such file"):
        unpack(tmp_path / "none.npz")


def test_what_cannot_be_packed_is_said(tmp_path):
    model = nets.perceptron()
    for wrong in ({"form": "coo"}, {"block": (0, 4)}, {"block": (4,)}):
        with pytest.raises(ValueError, match="Received"):
            pack(model, tmp_path / "a.npz", **wrong)
    assert os.listdir(tmp_path) == []
