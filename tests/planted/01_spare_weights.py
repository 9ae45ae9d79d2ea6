# %% sparsity :: mean of zeros :: pass
def sparsity(array):
    is_zero = array == 0
    return is_zero.mean()

# %% sparsity :: loop :: pass
def sparsity(array):
    zeros = 0
    for value in array.flat:
        if not value:
            zeros += 1
    return zeros / array.size

# %% sparsity :: count what is left :: pass
def sparsity(array):
    return 1 - np.count_nonzero(array) / array.size

# %% sparsity :: share that is kept :: fails test_sparsity, test_sparsity_edges :: Count the zeros
def sparsity(array):
    return (array != 0).mean()

# %% sparsity :: percent :: fails test_sparsity, test_sparsity_edges :: should lie between 0 and 1
def sparsity(array):
    return 100 * (array == 0).mean()

# %% sparsity :: counts tiny weights :: fails test_sparsity_edges :: it is not zero
def sparsity(array):
    return np.isclose(array, 0).mean()

# %% sparsity :: forgets minus zero :: fails test_sparsity_edges :: -0.0 is a zero as well
def sparsity(array):
    return np.mean([str(value) in ("0", "0.0") for value in array.ravel().tolist()])

# %% sparsity :: divides by the rows :: fails test_sparsity, test_sparsity_edges :: should lie between 0 and 1
def sparsity(array):
    return np.sum(array == 0) / len(array)

# %% magnitude_mask :: argsort :: pass
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: loop :: pass
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    ranked = sorted(range(weights.size), key=lambda i: abs(weights.flat[i]), reverse=True)
    keep = np.full(weights.shape, False)
    for i in ranked[:n_keep]:
        keep.flat[i] = True
    return keep

# %% magnitude_mask :: removes the smallest :: pass
def magnitude_mask(weights, sparsity):
    n_remove = weights.size - round(weights.size * (1 - sparsity))
    keep = np.ones(weights.size, bool)
    keep[np.argpartition(np.abs(weights).ravel(), max(n_remove - 1, 0))[:n_remove]] = False
    return keep.reshape(weights.shape)

# %% magnitude_mask :: the k-th largest, ties by position :: pass
def magnitude_mask(weights, sparsity):
    size = np.abs(weights).ravel()
    n_keep = int(round(size.size * (1 - sparsity)))
    if not n_keep:
        return np.zeros_like(weights, dtype=bool)
    edge = np.partition(size, size.size - n_keep)[size.size - n_keep]
    keep = size > edge
    tied = np.nonzero(size == edge)[0]
    keep[tied[: n_keep - keep.sum()]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: cuts down instead of rounding :: fails test_magnitude_mask :: keep 13 of 128
def magnitude_mask(weights, sparsity):
    n_keep = int(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: keeps the share that should go :: fails test_magnitude_mask, test_mask_ties, test_mask_limits :: not
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * sparsity)
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: keeps the smallest :: fails test_magnitude_mask, test_mask_ties :: largest magnitude
def magnitude_mask(weights, sparsity):
    size = np.abs(weights).ravel()
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(size, kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: forgets the absolute value :: fails test_magnitude_mask :: -2.0 has the largest magnitude
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-weights.ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: a threshold keeps every tie :: fails test_mask_ties :: exactly two True
def magnitude_mask(weights, sparsity):
    magnitudes = np.abs(weights)
    n_keep = round(weights.size * (1 - sparsity))
    if n_keep == 0:
        return np.zeros(weights.shape, bool)
    return magnitudes >= np.sort(magnitudes.ravel())[-n_keep]

# %% magnitude_mask :: minus zero slice :: fails test_mask_limits :: At sparsity 1 no weight stays
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(np.abs(weights).ravel())[-n_keep:]] = True
    return keep.reshape(weights.shape)

# %% magnitude_mask :: writes into the weights :: fails test_mask_limits :: changed the array it was given
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    keep = keep.reshape(weights.shape)
    weights *= 0.5
    return keep

# %% magnitude_mask :: one long row :: fails test_magnitude_mask, test_mask_limits :: should return an array of shape (2, 3)
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    return keep

# %% magnitude_mask :: numbers for a mask :: fails test_magnitude_mask :: type bool
def magnitude_mask(weights, sparsity):
    n_keep = round(weights.size * (1 - sparsity))
    keep = np.zeros(weights.size)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = 1
    return keep.reshape(weights.shape)

# %% gzip_bytes :: tobytes :: pass
def gzip_bytes(array):
    return len(gzip.compress(array.tobytes()))

# %% gzip_bytes :: zlib :: pass
def gzip_bytes(array):
    import zlib

    packer = zlib.compressobj(6, wbits=31)
    return len(packer.compress(array.tobytes()) + packer.flush())

# %% gzip_bytes :: a gzip file :: pass
def gzip_bytes(array):
    import io

    file = io.BytesIO()
    with gzip.open(file, "wb") as packed:
        packed.write(np.ascontiguousarray(array).data)
    return file.tell()

# %% gzip_bytes :: never packs :: fails test_gzip_bytes :: Did you compress them
def gzip_bytes(array):
    return len(array.tobytes())

# %% gzip_bytes :: returns the bytes :: fails test_gzip_bytes :: should return one number
def gzip_bytes(array):
    return gzip.compress(array.tobytes())

# %% gzip_bytes :: packs the printed text :: fails test_gzip_bytes :: did you pack all the bytes
def gzip_bytes(array):
    return len(gzip.compress(str(array).encode()))

# %% gzip_bytes :: only the entries that are not zero :: fails test_gzip_bytes :: expected about
def gzip_bytes(array):
    return len(gzip.compress(array[array != 0].tobytes()))

# %% gzip_bytes :: memory of the Python object :: fails test_gzip_bytes :: getsizeof adds
def gzip_bytes(array):
    import sys

    return sys.getsizeof(gzip.compress(array.tobytes()))

# %% predict_zipped_bytes :: entropy :: pass
def predict_zipped_bytes(count, sparsity):
    share = np.clip([sparsity, 1 - sparsity], 1e-9, 1)
    where = -(share * np.log2(share)).sum()
    return count * ((1 - sparsity) * 29.7 + where) / 8

# %% predict_zipped_bytes :: two costs :: pass
def predict_zipped_bytes(count, sparsity):
    return count * (3.7 * (1 - sparsity) + 0.25 * sparsity)

# %% predict_zipped_bytes :: the table :: pass
def predict_zipped_bytes(count, sparsity):
    return count * np.interp(sparsity, shares, sizes / 1_000_000)

# %% predict_zipped_bytes :: an experiment :: pass
def predict_zipped_bytes(count, sparsity):
    sample = np.random.default_rng(1).normal(size=20_000).astype("float32")
    sample[magnitude_mask(sample, sparsity) == 0] = 0
    return gzip_bytes(sample) * count / sample.size

# %% predict_zipped_bytes :: in proportion :: fails test_prediction_sparse :: What do the zeros cost
def predict_zipped_bytes(count, sparsity):
    return count * 3.7 * (1 - sparsity)

# %% predict_zipped_bytes :: only for a million :: fails test_prediction, test_prediction_sparse :: off by
def predict_zipped_bytes(count, sparsity):
    return 1_000_000 * (3.7 * (1 - sparsity) + 0.25 * sparsity)

# %% predict_zipped_bytes :: zeros are half price :: fails test_prediction_sparse :: What do the zeros cost
def predict_zipped_bytes(count, sparsity):
    return count * (3.7 * (1 - sparsity) + 0.6 * sparsity)

# %% quiz :: right :: pass
{"count": "b", "file": "b", "ratio": "b"}

# %% quiz :: zeros are not counted :: fails test_quiz_count :: What does count_params() count
{"count": "a", "file": "b", "ratio": "b"}

# %% quiz :: the plain file shrinks :: fails test_quiz_file :: Compare the four sizes
{"count": "b", "file": "c", "ratio": "b"}

# %% quiz :: ratio is the share :: fails test_quiz_ratio :: Compare the last row
{"count": "b", "file": "b", "ratio": "a"}
