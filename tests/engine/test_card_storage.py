"""Bytes by formula are the bytes that SciPy's sparse matrices and NumPy's packed bits really take."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from course_lib import models
from course_lib.pruning import (
    bitmask_bytes,
    bsr_bytes,
    csr_bytes,
    gzip_bytes,
    make_masks,
    n_of_m,
    raw_bytes,
    storage,
)

matrices = st.tuples(st.integers(1, 13), st.integers(1, 13), st.floats(0, 1), st.integers(0, 2**32 - 1))


def drawn(rows, columns, share, seed, dtype="float32"):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) >= share)).astype(dtype)


def really(stored):
    return stored.data.nbytes + stored.indices.nbytes + stored.indptr.nbytes


@given(matrices, st.sampled_from(["float32", "float64"]))
def test_csr_takes_what_scipy_takes(case, dtype):
    array = drawn(*case, dtype)
    assert csr_bytes(array) == really(sparse.csr_matrix(array))


@given(matrices, st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_bsr_takes_what_scipy_takes_after_filling_up_to_whole_blocks(case, block):
    array = drawn(*case)
    full = np.pad(array, [(0, -size % step) for size, step in zip(array.shape, block, strict=True)])
    assert bsr_bytes(array, block) == really(sparse.bsr_matrix(full, blocksize=block))


@given(matrices)
def test_a_bitmask_is_packed_bits_and_the_values(case):
    array = drawn(*case)
    assert bitmask_bytes(array) == np.packbits(array != 0).nbytes + array[array != 0].nbytes


@given(matrices)
def test_blocks_of_one_are_csr_and_narrow_indices_save(case):
    array = drawn(*case)
    assert bsr_bytes(array, (1, 1)) == csr_bytes(array)
    saved = csr_bytes(array) - csr_bytes(array, index_bytes=2)
    assert saved == 2 * (np.count_nonzero(array) + len(array) + 1)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_a_convolution_is_stored_as_a_matrix_with_its_filters_as_columns(seed):
    array = drawn(18, 5, 0.7, seed)
    for count in (csr_bytes, bsr_bytes, bitmask_bytes):
        assert count(array.reshape(3, 3, 2, 5)) == count(array)


def test_break_even_of_csr_is_half_and_of_a_bitmask_one_in_32():
    for share, csr_smaller, mask_smaller in ((0.02, False, False), (0.05, False, True), (0.55, True, True)):
        array = np.ones(1_000_000, "float32")
        array[: int(share * array.size)] = 0
        array = array.reshape(1000, 1000)
        assert (csr_bytes(array) < array.nbytes) is csr_smaller
        assert (bitmask_bytes(array) < array.nbytes) is mask_smaller


def test_the_rows_of_a_model_and_their_sum():
    model = models.conv_digits()
    make_masks(model, 0.8).apply(model)
    found = storage(model)
    kernel = np.asarray(model.get_layer("conv_2").kernel)
    row = next(row for row in found if row.path == "conv_2/kernel")
    assert row[1:] == (
        kernel.nbytes,
        gzip_bytes(kernel),
        *(f(kernel) for f in (csr_bytes, bsr_bytes, bitmask_bytes)),
    )
    assert (found.all.raw, found.all.gzip) == (raw_bytes(model), gzip_bytes(model))
    rest = 4 * (32 + 64 + 64 + 10)
    assert found.all.csr == rest + sum(
        csr_bytes(np.asarray(layer.kernel)) for layer in model.layers if layer.weights
    )
    assert len(repr(found).splitlines()) == len(found) + 1 == 7


def test_the_best_sparse_format_follows_the_pattern():
    model = models.dense_digits()
    make_masks(model, 0.99).apply(model)
    assert storage(model).all.best == "CSR"
    model = models.dense_digits()
    make_masks(model, 0.75, scope=n_of_m(1, 4)).apply(model)
    assert storage(model).all.best == "bitmask"


def test_a_model_without_kernels_and_a_block_without_size():
    model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    assert storage(model).all.csr == 64
    with pytest.raises(ValueError, match=r"Received: \(0, 4\)"):
        bsr_bytes(np.ones((4, 4)), (0, 4))
