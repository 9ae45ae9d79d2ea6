# %% n_of_m_mask :: ranks :: pass
def n_of_m_mask(weights, n, m):
    inputs, outputs = weights.shape
    groups = np.abs(weights).reshape(inputs // m, m, outputs)
    order = np.argsort(-groups, axis=1, kind="stable")
    rank = np.argsort(order, axis=1)
    return (rank < n).reshape(weights.shape)

# %% n_of_m_mask :: loop over groups and outputs :: pass
def n_of_m_mask(weights, n, m):
    keep = np.full(weights.shape, False)
    for output in range(weights.shape[1]):
        for first in range(0, weights.shape[0], m):
            places = sorted(range(first, first + m), key=lambda i: abs(weights[i, output]))
            for i in places[m - n :]:
                keep[i, output] = True
    return keep

# %% n_of_m_mask :: transposed, the smallest go :: pass
def n_of_m_mask(weights, n, m):
    rows = np.abs(weights).T.reshape(-1, m)
    keep = np.ones(rows.shape, dtype=bool)
    gone = np.argsort(rows, axis=1)[:, : m - n]
    np.put_along_axis(keep, gone, False, axis=1)
    return keep.reshape(weights.T.shape).T

# %% n_of_m_mask :: counts who is larger, ties by place :: pass
def n_of_m_mask(weights, n, m):
    groups = np.abs(weights).reshape(-1, m, weights.shape[1])
    place = np.arange(m)
    mine, other = groups[:, :, None], groups[:, None]
    earlier = (place[None, :] < place[:, None])[None, :, :, None]
    beaten = ((other > mine) | ((other == mine) & earlier)).sum(axis=2)
    return (beaten < n).reshape(weights.shape)

# %% n_of_m_mask :: the engine's own :: pass
def n_of_m_mask(weights, n, m):
    return n_of_m_scope(n, m)({"w": np.abs(weights)}, None)["w"]


from course_lib.pruning import n_of_m as n_of_m_scope

# %% n_of_m_mask :: one rank too many :: fails test_n_of_m, test_n_of_m_ties, test_n_of_m_unchanged :: Two of EACH four
def n_of_m_mask(weights, n, m):
    inputs, outputs = weights.shape
    groups = np.abs(weights).reshape(inputs // m, m, outputs)
    rank = np.argsort(np.argsort(-groups, axis=1, kind="stable"), axis=1)
    return (rank <= n).reshape(weights.shape)

# %% n_of_m_mask :: compares the order, not the rank :: fails test_n_of_m :: the largest
def n_of_m_mask(weights, n, m):
    inputs, outputs = weights.shape
    groups = np.abs(weights).reshape(inputs // m, m, outputs)
    order = np.argsort(-groups, axis=1, kind="stable")
    return (order < n).reshape(weights.shape)

# %% n_of_m_mask :: keeps the smallest :: fails test_n_of_m, test_n_of_m_ties :: keep 9 and -8
def n_of_m_mask(weights, n, m):
    inputs, outputs = weights.shape
    groups = np.abs(weights).reshape(inputs // m, m, outputs)
    rank = np.argsort(np.argsort(-groups, axis=1, kind="stable"), axis=1)
    return (rank >= m - n).reshape(weights.shape)

# %% n_of_m_mask :: along the outputs :: fails test_n_of_m, test_n_of_m_ties, test_n_of_m_unchanged :: Two of EACH four
def n_of_m_mask(weights, n, m):
    keep = np.zeros(weights.shape, dtype=bool)
    for i in range(weights.shape[0]):
        for left in range(0, weights.shape[1], m):
            best = np.argsort(-np.abs(weights[i, left : left + m]), kind="stable")[:n]
            keep[i, left + best] = True
    return keep

# %% n_of_m_mask :: the n / m largest of the whole column :: fails test_n_of_m, test_n_of_m_ties :: Two of EACH four
def n_of_m_mask(weights, n, m):
    order = np.argsort(-np.abs(weights), axis=0, kind="stable")
    keep = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(keep, order[: len(weights) * n // m], True, axis=0)
    return keep

# %% n_of_m_mask :: forgets the absolute value :: fails test_n_of_m :: keep 9 and -8
def n_of_m_mask(weights, n, m):
    inputs, outputs = weights.shape
    groups = weights.reshape(inputs // m, m, outputs)
    rank = np.argsort(np.argsort(-groups, axis=1, kind="stable"), axis=1)
    return (rank < n).reshape(weights.shape)

# %% n_of_m_mask :: a threshold for each group keeps every tie :: fails test_n_of_m_ties :: two of each four stay
def n_of_m_mask(weights, n, m):
    groups = np.abs(weights).reshape(-1, m, weights.shape[1])
    border = np.sort(groups, axis=1)[:, m - n]
    return (groups >= border[:, None]).reshape(weights.shape)

# %% n_of_m_mask :: removes in the weights themselves :: fails test_n_of_m_unchanged :: changed the array it was given
def n_of_m_mask(weights, n, m):
    groups = np.abs(weights).reshape(-1, m, weights.shape[1])
    rank = np.argsort(np.argsort(-groups, axis=1, kind="stable"), axis=1)
    keep = (rank < n).reshape(weights.shape)
    weights *= keep
    return keep

# %% n_of_m_mask :: keeps the shape of the groups :: fails test_n_of_m, test_n_of_m_ties, test_n_of_m_unchanged :: should return an array of shape (8, 2)
def n_of_m_mask(weights, n, m):
    groups = np.abs(weights).reshape(-1, m, weights.shape[1])
    return np.argsort(np.argsort(-groups, axis=1, kind="stable"), axis=1) < n

# %% n_of_m_mask :: always two of four :: fails test_n_of_m, test_n_of_m_unchanged :: should stay
def n_of_m_mask(weights, n, m):
    if weights.shape[0] % 4:
        return weights == weights
    groups = np.abs(weights).reshape(-1, 4, weights.shape[1])
    rank = np.argsort(np.argsort(-groups, axis=1, kind="stable"), axis=1)
    return (rank < 2).reshape(weights.shape)

# %% block_mask :: sorted places :: pass
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    n_keep = round(len(places) * (1 - sparsity))
    keep = np.zeros(weights.shape, dtype=bool)
    for place in sorted(places, key=lambda place: -np.abs(weights[place]).mean())[:n_keep]:
        keep[place] = True
    return keep

# %% block_mask :: everything stays, the worst go :: pass
def block_mask(weights, rows, cols, sparsity):
    keep, blocks = np.ones_like(weights, dtype=bool), []
    for top in range(0, weights.shape[0], rows):
        for left in range(0, weights.shape[1], cols):
            blocks.append((np.mean(np.abs(weights[top : top + rows, left : left + cols])), top, left))
    blocks.sort()
    for _, top, left in blocks[: len(blocks) - round(len(blocks) * (1 - sparsity))]:
        keep[top : top + rows, left : left + cols] = False
    return keep

# %% block_mask :: padded sums divided by real sizes :: pass
def block_mask(weights, rows, cols, sparsity):
    pads = [(0, -size % step) for size, step in zip(weights.shape, (rows, cols))]

    def sums(array):
        full = np.pad(array, pads)
        return full.reshape(full.shape[0] // rows, rows, full.shape[1] // cols, cols).sum(axis=(1, 3))

    scores = sums(np.abs(weights)) / sums(np.ones(weights.shape))
    n_keep = round(scores.size * (1 - sparsity))
    alive = np.zeros(scores.size, dtype=bool)
    alive[np.argsort(-scores, axis=None)[:n_keep]] = True
    whole = np.repeat(np.repeat(alive.reshape(scores.shape), rows, axis=0), cols, axis=1)
    return whole[: weights.shape[0], : weights.shape[1]]

# %% block_mask :: the engine's own :: pass
def block_mask(weights, rows, cols, sparsity):
    units = Block(rows, cols)
    scores = units.pool({"w": np.abs(weights)})["w"]
    keep = np.zeros(scores.size, bool)
    keep[np.argsort(scores, axis=None)[scores.size - round(scores.size * (1 - sparsity)) :]] = True
    return units.expand({"w": keep.reshape(scores.shape)}, {"w": weights})["w"]

# %% block_mask :: the sum of a block :: fails test_block_edges :: Compare means, not sums
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.zeros(weights.shape, dtype=bool)
    scores = [np.abs(weights[place]).sum() for place in places]
    for i in np.argsort(scores)[::-1][: round(len(places) * (1 - sparsity))]:
        keep[places[i]] = True
    return keep

# %% block_mask :: zeros for what is not there :: fails test_block_edges :: do not count weights that are not there
def block_mask(weights, rows, cols, sparsity):
    full = np.pad(np.abs(weights), [(0, -weights.shape[0] % rows), (0, -weights.shape[1] % cols)])
    scores = full.reshape(full.shape[0] // rows, rows, full.shape[1] // cols, cols).mean(axis=(1, 3))
    keep = np.zeros(scores.size, dtype=bool)
    keep[np.argsort(-scores, axis=None)[: round(scores.size * (1 - sparsity))]] = True
    whole = keep.reshape(scores.shape).repeat(rows, axis=0).repeat(cols, axis=1)
    return whole[: weights.shape[0], : weights.shape[1]]

# %% block_mask :: forgets the absolute value :: fails test_block_mask, test_block_edges :: the last two should stay
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.zeros(weights.shape, dtype=bool)
    scores = [weights[place].mean() for place in places]
    for i in np.argsort(scores)[::-1][: round(len(places) * (1 - sparsity))]:
        keep[places[i]] = True
    return keep

# %% block_mask :: the largest weight of a block :: fails test_block_mask, test_block_edges :: The score is the mean
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.zeros(weights.shape, dtype=bool)
    scores = [np.abs(weights[place]).max() for place in places]
    for i in np.argsort(scores)[::-1][: round(len(places) * (1 - sparsity))]:
        keep[places[i]] = True
    return keep

# %% block_mask :: minus zero slice :: fails test_block_limits :: At sparsity 1 no block stays
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    n_keep = round(len(places) * (1 - sparsity))
    keep = np.zeros(weights.shape, dtype=bool)
    for i in np.argsort([np.abs(weights[place]).mean() for place in places])[-n_keep:]:
        keep[places[i]] = True
    return keep

# %% block_mask :: a threshold keeps every tie :: fails test_block_limits :: three of them with 12 weights
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    scores = np.array([np.abs(weights[place]).mean() for place in places])
    border = np.append(np.sort(scores)[::-1], np.inf)[round(len(places) * (1 - sparsity)) - 1]
    keep = np.zeros(weights.shape, dtype=bool)
    for place, score in zip(places, scores):
        keep[place] = score >= border
    return keep

# %% block_mask :: drops the blocks at the edge :: fails test_block_edges :: The blocks at the edges
def block_mask(weights, rows, cols, sparsity):
    tops = range(0, weights.shape[0] // rows * rows, rows)
    lefts = range(0, weights.shape[1] // cols * cols, cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.ones(weights.shape, dtype=bool)
    scores = [np.abs(weights[place]).mean() for place in places]
    for i in np.argsort(scores)[: len(places) - round(len(places) * (1 - sparsity))]:
        keep[places[i]] = False
    return keep

# %% block_mask :: rows and columns changed over :: fails test_block_mask, test_block_edges :: a block lives or dies whole
def block_mask(weights, rows, cols, sparsity):
    rows, cols = cols, rows
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.zeros(weights.shape, dtype=bool)
    scores = [np.abs(weights[place]).mean() for place in places]
    for i in np.argsort(scores)[::-1][: round(len(places) * (1 - sparsity))]:
        keep[places[i]] = True
    return keep

# %% block_mask :: keeps the share that should go :: fails test_block_mask, test_block_edges, test_block_limits :: Two of the three blocks stay
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.zeros(weights.shape, dtype=bool)
    scores = [np.abs(weights[place]).mean() for place in places]
    for i in np.argsort(scores)[::-1][: round(len(places) * sparsity)]:
        keep[places[i]] = True
    return keep

# %% block_mask :: writes zeros into the weights :: fails test_block_limits :: changed the array it was given
def block_mask(weights, rows, cols, sparsity):
    tops, lefts = range(0, weights.shape[0], rows), range(0, weights.shape[1], cols)
    places = [(slice(top, top + rows), slice(left, left + cols)) for top in tops for left in lefts]
    keep = np.zeros(weights.shape, dtype=bool)
    scores = [np.abs(weights[place]).mean() for place in places]
    for i in np.argsort(scores)[::-1][: round(len(places) * (1 - sparsity))]:
        keep[places[i]] = True
    np.abs(weights, out=weights)
    return keep

# %% csr_bytes :: counts :: pass
def csr_bytes(matrix, index_bytes=4):
    stored = np.count_nonzero(matrix)
    return stored * matrix.itemsize + stored * index_bytes + (matrix.shape[0] + 1) * index_bytes

# %% csr_bytes :: builds the arrays :: pass
def csr_bytes(matrix, index_bytes=4):
    kind = f"i{index_bytes}"
    values = matrix[matrix != 0]
    columns = np.nonzero(matrix)[1].astype(kind)
    starts = np.concatenate([[0], np.cumsum((matrix != 0).sum(axis=1))]).astype(kind)
    return values.nbytes + columns.nbytes + starts.nbytes

# %% csr_bytes :: loop :: pass
def csr_bytes(matrix, index_bytes=4):
    total = index_bytes
    for row in matrix:
        total += index_bytes
        for value in row:
            if value != 0:
                total += value.nbytes + index_bytes
    return total

# %% csr_bytes :: one start a row :: fails test_csr_bytes :: 4 starts
def csr_bytes(matrix, index_bytes=4):
    stored = np.count_nonzero(matrix)
    return stored * (matrix.itemsize + index_bytes) + len(matrix) * index_bytes

# %% csr_bytes :: forgets the columns :: fails test_csr_bytes :: 3 columns
def csr_bytes(matrix, index_bytes=4):
    return np.count_nonzero(matrix) * matrix.itemsize + (len(matrix) + 1) * index_bytes

# %% csr_bytes :: a row index for each value :: fails test_csr_bytes :: 40 bytes, not
def csr_bytes(matrix, index_bytes=4):
    return np.count_nonzero(matrix) * (matrix.itemsize + 2 * index_bytes)

# %% csr_bytes :: values always of four bytes :: fails test_csr_bytes :: nonzero float64
def csr_bytes(matrix, index_bytes=4):
    return np.count_nonzero(matrix) * (4 + index_bytes) + (len(matrix) + 1) * index_bytes

# %% csr_bytes :: indices always of four bytes :: fails test_csr_bytes :: indices of 2 bytes
def csr_bytes(matrix, index_bytes=4):
    return np.count_nonzero(matrix) * (matrix.itemsize + 4) + (len(matrix) + 1) * 4

# %% csr_bytes :: a start for each column :: fails test_csr_bytes :: 40 bytes, not 44
def csr_bytes(matrix, index_bytes=4):
    stored = np.count_nonzero(matrix)
    return stored * (matrix.itemsize + index_bytes) + (matrix.shape[1] + 1) * index_bytes

# %% bitmask_bytes :: rounded up :: pass
def bitmask_bytes(matrix):
    return int(np.ceil(matrix.size / 8)) + np.count_nonzero(matrix) * matrix.itemsize

# %% bitmask_bytes :: packs the bits :: pass
def bitmask_bytes(matrix):
    return np.packbits(matrix != 0).nbytes + matrix[matrix != 0].nbytes

# %% bitmask_bytes :: loop :: pass
def bitmask_bytes(matrix):
    total = 0
    for place, value in enumerate(matrix.ravel()):
        total += (place % 8 == 0) + matrix.itemsize * bool(value)
    return total

# %% bitmask_bytes :: rounded down :: fails test_bitmask_bytes :: 2 whole bytes
def bitmask_bytes(matrix):
    return matrix.size // 8 + np.count_nonzero(matrix) * matrix.itemsize

# %% bitmask_bytes :: part of a byte :: fails test_bitmask_bytes :: 14 bytes, not 13.5
def bitmask_bytes(matrix):
    return matrix.size / 8 + np.count_nonzero(matrix) * matrix.itemsize

# %% bitmask_bytes :: always one byte more :: fails test_bitmask_bytes :: bits and
def bitmask_bytes(matrix):
    return matrix.size // 8 + 1 + np.count_nonzero(matrix) * matrix.itemsize

# %% bitmask_bytes :: a byte for each bool :: fails test_bitmask_bytes :: 14 bytes, not 24
def bitmask_bytes(matrix):
    mask = matrix != 0
    return mask.nbytes + matrix[mask].nbytes

# %% bitmask_bytes :: whole bytes in every row :: fails test_bitmask_bytes :: 14 bytes, not 15
def bitmask_bytes(matrix):
    return np.packbits(matrix != 0, axis=1).nbytes + matrix[matrix != 0].nbytes

# %% bitmask_bytes :: values of four bytes :: fails test_bitmask_bytes :: nonzero float64
def bitmask_bytes(matrix):
    return -(-matrix.size // 8) + 4 * np.count_nonzero(matrix)

# %% break_even :: solved :: pass
def break_even(rows, cols, value_bytes, index_bytes):
    import math

    plain, starts = rows * cols * value_bytes, (rows + 1) * index_bytes
    if starts >= plain:
        return None
    most = math.ceil((plain - starts) / (value_bytes + index_bytes)) - 1
    return max(0, rows * cols - most)

# %% break_even :: searched from no zeros on :: pass
def break_even(rows, cols, value_bytes, index_bytes):
    for zeros in range(rows * cols + 1):
        stored = rows * cols - zeros
        if stored * (value_bytes + index_bytes) + (rows + 1) * index_bytes < rows * cols * value_bytes:
            return zeros
    return None

# %% break_even :: counted down from all zeros :: pass
def break_even(rows, cols, value_bytes, index_bytes):
    found, stored = None, 0
    taken, plain = (rows + 1) * index_bytes, rows * cols * value_bytes
    while taken < plain and stored <= rows * cols:
        found = rows * cols - stored
        taken, stored = taken + value_bytes + index_bytes, stored + 1
    return found

# %% break_even :: array of all counts :: pass
def break_even(rows, cols, value_bytes, index_bytes):
    zeros = np.arange(rows * cols + 1)
    sizes = (rows * cols - zeros) * (value_bytes + index_bytes) + (rows + 1) * index_bytes
    enough = zeros[sizes < rows * cols * value_bytes]
    return enough[0] if len(enough) else None

# %% break_even :: forgets the starts :: fails test_break_even, test_break_even_never :: Did you count the starts
def break_even(rows, cols, value_bytes, index_bytes):
    for zeros in range(rows * cols + 1):
        if (rows * cols - zeros) * (value_bytes + index_bytes) < rows * cols * value_bytes:
            return zeros

# %% break_even :: equal is enough :: fails test_break_even, test_break_even_never :: None
def break_even(rows, cols, value_bytes, index_bytes):
    for zeros in range(rows * cols + 1):
        stored = rows * cols - zeros
        if stored * (value_bytes + index_bytes) + (rows + 1) * index_bytes <= rows * cols * value_bytes:
            return zeros

# %% break_even :: half, always :: fails test_break_even, test_break_even_never :: not smaller
def break_even(rows, cols, value_bytes, index_bytes):
    return rows * cols // 2

# %% break_even :: how many stay :: fails test_break_even, test_break_even_never :: not smaller
def break_even(rows, cols, value_bytes, index_bytes):
    for stored in range(rows * cols, -1, -1):
        if stored * (value_bytes + index_bytes) + (rows + 1) * index_bytes < rows * cols * value_bytes:
            return stored

# %% break_even :: the share instead of the number :: fails test_break_even, test_break_even_never :: not smaller
def break_even(rows, cols, value_bytes, index_bytes):
    return 1 - (value_bytes - index_bytes * (rows + 1) / (rows * cols)) / (value_bytes + index_bytes)

# %% break_even :: never a None :: fails test_break_even_never :: None, please
def break_even(rows, cols, value_bytes, index_bytes):
    size = rows * cols
    spare = size * value_bytes - (rows + 1) * index_bytes
    return max(0, size - (spare - 1) // (value_bytes + index_bytes))

# %% csr_product :: two loops :: pass
def csr_product(values, columns, starts, x):
    y = np.zeros(len(starts) - 1)
    for i in range(len(starts) - 1):
        for k in range(starts[i], starts[i + 1]):
            y[i] += values[k] * x[columns[k]]
    return y

# %% csr_product :: a dot product a row :: pass
def csr_product(values, columns, starts, x):
    pairs = zip(starts[:-1], starts[1:])
    return np.array([float(values[a:b] @ x[columns[a:b]]) for a, b in pairs])

# %% csr_product :: adds each product to its row :: pass
def csr_product(values, columns, starts, x):
    row_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return np.bincount(row_of, weights=values * x[columns], minlength=len(starts) - 1)

# %% csr_product :: running sum :: pass
def csr_product(values, columns, starts, x):
    running = np.concatenate([[0], np.cumsum(np.asarray(values, float) * x[columns])])
    return running[starts[1:]] - running[starts[:-1]]

# %% csr_product :: scipy's own :: pass
def csr_product(values, columns, starts, x):
    return sparse.csr_array((values, columns, starts), shape=(len(starts) - 1, len(x))) @ x

# %% csr_product :: reduceat, wrong where a row is empty :: fails test_csr_product, test_csr_product_edges :: [50, 0, 8007]
def csr_product(values, columns, starts, x):
    products = np.append(values * x[columns], 0)
    return np.add.reduceat(products, starts[:-1])

# %% csr_product :: x by position in the row :: fails test_csr_product, test_csr_product_edges :: [50, 0, 8007]
def csr_product(values, columns, starts, x):
    y = np.zeros(len(starts) - 1)
    for i in range(len(y)):
        row = values[starts[i] : starts[i + 1]]
        y[i] = row @ x[: len(row)]
    return y

# %% csr_product :: x[k] :: fails test_csr_product, test_csr_product_edges :: [50, 0, 8007]
def csr_product(values, columns, starts, x):
    y = np.zeros(len(starts) - 1)
    for i in range(len(y)):
        for k in range(starts[i], starts[i + 1]):
            y[i] += values[k] * x[k % len(x)]
    return y

# %% csr_product :: the last of each row is lost :: fails test_csr_product, test_csr_product_edges :: [50, 0, 8007]
def csr_product(values, columns, starts, x):
    y = np.zeros(len(starts) - 1)
    for i in range(len(y)):
        for k in range(starts[i], starts[i + 1] - 1):
            y[i] += values[k] * x[columns[k]]
    return y

# %% csr_product :: one result too many :: fails test_csr_product, test_csr_product_edges :: an array of shape (3,)
def csr_product(values, columns, starts, x):
    y = np.zeros(len(starts))
    for i in range(len(starts) - 1):
        for k in range(starts[i], starts[i + 1]):
            y[i] += values[k] * x[columns[k]]
    return y

# %% csr_product :: the sum over all rows :: fails test_csr_product, test_csr_product_edges :: an array of shape (3,)
def csr_product(values, columns, starts, x):
    return np.sum(values * x[columns])

# %% csr_product :: overwrites instead of adding :: fails test_csr_product, test_csr_product_edges :: [50, 0, 8007]
def csr_product(values, columns, starts, x):
    y = np.zeros(len(starts) - 1)
    for i in range(len(y)):
        for k in range(starts[i], starts[i + 1]):
            y[i] = values[k] * x[columns[k]]
    return y

# %% csr_product :: multiplies into values :: fails test_csr_product_edges :: changed the array it was given
def csr_product(values, columns, starts, x):
    values *= x[columns].astype(values.dtype)
    return np.array([values[a:b].sum() for a, b in zip(starts[:-1], starts[1:])], dtype=float)

# %% quiz :: right :: pass
{"axis": "a", "csr": "b", "memory": "d"}

# %% quiz :: groups along the outputs :: fails test_quiz_axis :: Which weights go into one sum
{"axis": "b", "csr": "b", "memory": "d"}

# %% quiz :: zeros are free :: fails test_quiz_csr :: Where does the curve of CSR cross
{"axis": "a", "csr": "a", "memory": "d"}

# %% quiz :: values in jumps :: fails test_quiz_memory :: neither i nor k
{"axis": "a", "csr": "b", "memory": "a"}
