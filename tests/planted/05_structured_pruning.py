# %% filter_scores :: sums over three axes :: pass
def filter_scores(kernel, outputs):
    scores = {"L1": np.abs(kernel).sum(axis=(0, 1, 2))}
    scores["L2"] = np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
    scores["mean activation"] = np.abs(outputs).mean(axis=(0, 1, 2))
    scores["active"] = (outputs != 0).mean(axis=(0, 1, 2))
    return scores

# %% filter_scores :: one column a filter :: pass
def filter_scores(kernel, outputs):
    filters, values = kernel.reshape(-1, kernel.shape[-1]), np.abs(outputs.reshape(-1, outputs.shape[-1]))
    return {
        "active": np.count_nonzero(values, axis=0) / len(values),
        "mean activation": values.sum(axis=0) / len(values),
        "L2": np.linalg.norm(filters, axis=0),
        "L1": np.abs(filters).sum(axis=0),
    }

# %% filter_scores :: loop over filters :: pass
def filter_scores(kernel, outputs):
    scores = {"L1": np.abs(kernel).sum(axis=(0, 1, 2))}
    for name in ("L2", "mean activation", "active"):
        scores[name] = np.zeros(kernel.shape[-1])
    for j in range(kernel.shape[-1]):
        channel = outputs[..., j]
        scores["L2"][j] = np.linalg.norm(kernel[..., j].ravel())
        scores["mean activation"][j] = abs(channel).mean()
        scores["active"][j] = 1 - (channel == 0).mean()
    return scores

# %% filter_scores :: sums over the first axes only :: fails test_scores_l2, test_scores_mean, test_scores_active :: an array of shape (2,)
def filter_scores(kernel, outputs):
    return {
        "L1": np.abs(kernel).sum(axis=(0, 1)),
        "L2": np.sqrt((kernel**2).sum(axis=(0, 1))),
        "mean activation": np.abs(outputs).mean(axis=(0, 1)),
        "active": (outputs != 0).mean(axis=(0, 1)),
    }

# %% filter_scores :: one number for the whole layer :: fails test_scores_l2, test_scores_mean, test_scores_active :: an array of shape (2,)
def filter_scores(kernel, outputs):
    return {
        "L1": np.abs(kernel).sum(),
        "L2": np.sqrt((kernel**2).sum()),
        "mean activation": np.abs(outputs).mean(),
        "active": (outputs != 0).mean(),
    }

# %% filter_scores :: forgets the root :: fails test_scores_l2 :: has the L2 norm 5
def filter_scores(kernel, outputs):
    return {
        "L1": np.abs(kernel).sum(axis=(0, 1, 2)),
        "L2": (kernel**2).sum(axis=(0, 1, 2)),
        "mean activation": np.abs(outputs).mean(axis=(0, 1, 2)),
        "active": (outputs != 0).mean(axis=(0, 1, 2)),
    }

# %% filter_scores :: root of each weight before the sum :: fails test_scores_l2 :: has the L2 norm 5
def filter_scores(kernel, outputs):
    return {
        "L1": np.abs(kernel).sum(axis=(0, 1, 2)),
        "L2": np.sqrt(kernel**2).sum(axis=(0, 1, 2)),
        "mean activation": np.abs(outputs).mean(axis=(0, 1, 2)),
        "active": (outputs != 0).mean(axis=(0, 1, 2)),
    }

# %% filter_scores :: APoZ itself, the mean without a size :: fails test_scores_mean, test_scores_active :: take their absolute value
def filter_scores(kernel, outputs):
    return {
        "L1": np.abs(kernel).sum(axis=(0, 1, 2)),
        "L2": np.sqrt((kernel**2).sum(axis=(0, 1, 2))),
        "mean activation": outputs.mean(axis=(0, 1, 2)),
        "active": (outputs == 0).mean(axis=(0, 1, 2)),
    }

# %% filter_scores :: a sum for a mean, positive for active :: fails test_scores_mean, test_scores_active :: means 2 and 3
def filter_scores(kernel, outputs):
    return {
        "L1": np.abs(kernel).sum(axis=(0, 1, 2)),
        "L2": np.sqrt((kernel**2).sum(axis=(0, 1, 2))),
        "mean activation": np.abs(outputs).sum(axis=(0, 1, 2)),
        "active": (outputs > 0).mean(axis=(0, 1, 2)),
    }

# %% filter_scores :: squares the kernel in place :: fails test_scores_l2 :: changed the array it was given
def filter_scores(kernel, outputs):
    sizes = np.abs(kernel).sum(axis=(0, 1, 2))
    kernel *= kernel
    return {
        "L1": sizes,
        "L2": np.sqrt(kernel.sum(axis=(0, 1, 2))),
        "mean activation": np.abs(outputs).mean(axis=(0, 1, 2)),
        "active": (outputs != 0).mean(axis=(0, 1, 2)),
    }

# %% shrink_conv_pair :: indexed by bool :: pass
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    return kernel[..., keep], bias[keep], next_kernel[:, :, keep]

# %% shrink_conv_pair :: take by place :: pass
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    places = np.flatnonzero(keep)
    return [np.take(kernel, places, axis=3), np.take(bias, places), np.take(next_kernel, places, axis=2)]

# %% shrink_conv_pair :: deletes, the last first :: pass
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    for j in reversed(range(len(keep))):
        if not keep[j]:
            kernel = np.delete(kernel, j, axis=-1)
            bias = np.delete(bias, j)
            next_kernel = np.delete(next_kernel, j, axis=-2)
    return kernel, bias, next_kernel

# %% shrink_conv_pair :: forgets the next layer :: fails test_pair_shapes, test_pair_answers, test_pair_unchanged :: the next kernel from shrink_conv_pair
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    return kernel[..., keep], bias[keep], next_kernel

# %% shrink_conv_pair :: forgets the bias :: fails test_pair_shapes, test_pair_answers, test_pair_unchanged :: the bias from shrink_conv_pair
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    return kernel[..., keep], bias, next_kernel[:, :, keep]

# %% shrink_conv_pair :: outputs of the next layer :: fails test_pair_shapes, test_pair_answers, test_pair_unchanged :: the next kernel from shrink_conv_pair
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    wrong = np.resize(keep, next_kernel.shape[-1])
    return kernel[..., keep], bias[keep], next_kernel[..., wrong]

# %% shrink_conv_pair :: sets to zero only :: fails test_pair_shapes, test_pair_answers, test_pair_unchanged :: the kernel from shrink_conv_pair
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    return kernel * keep, bias * keep, next_kernel * keep[:, None]

# %% shrink_conv_pair :: keeps what should go :: fails test_pair_shapes, test_pair_answers, test_pair_unchanged :: the kernel from shrink_conv_pair
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    return kernel[..., ~keep], bias[~keep], next_kernel[:, :, ~keep]

# %% shrink_conv_pair :: the first ones, whichever :: fails test_pair_answers :: the same channels
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    n = int(keep.sum())
    return kernel[..., :n].copy(), bias[:n].copy(), next_kernel[:, :, :n].copy()

# %% shrink_conv_pair :: the next layer in another order :: fails test_pair_answers :: in the same order
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    places = np.flatnonzero(keep)
    return kernel[..., places], bias[places], next_kernel[:, :, places[::-1]]

# %% shrink_conv_pair :: writes zeros into the kernel first :: fails test_pair_unchanged :: changed the array it was given
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    kernel[..., ~keep] = 0
    return kernel[..., keep], bias[keep], next_kernel[:, :, keep]

# %% shrink_conv_pair :: only two of three :: fails test_pair_shapes, test_pair_answers, test_pair_unchanged :: should return 3 things
def shrink_conv_pair(kernel, bias, next_kernel, keep):
    return kernel[..., keep], next_kernel[:, :, keep]

# %% shrink_norm_and_dense :: tile :: pass
def shrink_norm_and_dense(norm, dense_kernel, keep):
    rows = np.tile(keep, len(dense_kernel) // len(keep))
    return {name: values[keep] for name, values in norm.items()}, dense_kernel[rows]

# %% shrink_norm_and_dense :: reshapes to places and channels :: pass
def shrink_norm_and_dense(norm, dense_kernel, keep):
    units = dense_kernel.shape[1]
    small = dense_kernel.reshape(-1, len(keep), units)[:, keep].reshape(-1, units)
    return {name: np.compress(keep, norm[name]) for name in sorted(norm)}, small

# %% shrink_norm_and_dense :: loop over rows :: pass
def shrink_norm_and_dense(norm, dense_kernel, keep):
    small = {}
    for name in norm:
        small[name] = np.array([value for value, kept in zip(norm[name], keep) if kept])
    rows = [row for i, row in enumerate(dense_kernel) if keep[i % len(keep)]]
    return small, np.array(rows)

# %% shrink_norm_and_dense :: repeats :: fails test_flatten :: rows 0, 2, 3, 5
def shrink_norm_and_dense(norm, dense_kernel, keep):
    rows = np.repeat(keep, len(dense_kernel) // len(keep))
    return {name: values[keep] for name, values in norm.items()}, dense_kernel[rows]

# %% shrink_norm_and_dense :: removes one row a channel :: fails test_flatten, test_norm_unchanged :: the kernel from shrink_norm_and_dense
def shrink_norm_and_dense(norm, dense_kernel, keep):
    small = np.delete(dense_kernel, np.flatnonzero(~keep), axis=0)
    return {name: values[keep] for name, values in norm.items()}, small

# %% shrink_norm_and_dense :: leaves the statistics :: fails test_norm :: mean should return an array of shape
def shrink_norm_and_dense(norm, dense_kernel, keep):
    rows = np.tile(keep, len(dense_kernel) // len(keep))
    small = {name: v[keep] if name in ("gamma", "beta") else v for name, v in norm.items()}
    return small, dense_kernel[rows]

# %% shrink_norm_and_dense :: columns of the dense layer :: fails test_flatten, test_norm_unchanged :: the kernel from shrink_norm_and_dense
def shrink_norm_and_dense(norm, dense_kernel, keep):
    columns = np.resize(keep, dense_kernel.shape[1])
    return {name: values[keep] for name, values in norm.items()}, dense_kernel[:, columns]

# %% shrink_norm_and_dense :: writes into the dict :: fails test_norm_unchanged :: changed the array it was given
def shrink_norm_and_dense(norm, dense_kernel, keep):
    for name in norm:
        norm[name] = norm[name][keep]
    return norm, dense_kernel[np.tile(keep, len(dense_kernel) // len(keep))]

# %% shrink_norm_and_dense :: zeros instead of fewer rows :: fails test_flatten, test_norm_unchanged :: the kernel from shrink_norm_and_dense
def shrink_norm_and_dense(norm, dense_kernel, keep):
    rows = np.tile(keep, len(dense_kernel) // len(keep))
    return {name: values[keep] for name, values in norm.items()}, dense_kernel * rows[:, None]

# %% drop_block :: argmin of a list :: pass
def drop_block(model, blocks, x):
    whole = model(x, training=False).numpy()
    tried = [drop_layers(model, [name]) for name in blocks]
    changes = [np.abs(net(x, training=False).numpy() - whole).mean() for net in tried]
    return tried[int(np.argmin(changes))]

# %% drop_block :: best so far :: pass
def drop_block(model, blocks, x):
    expected = model.predict(x, verbose=0)
    best, least = None, float("inf")
    for name in blocks:
        candidate = drop_layers(model, name)
        change = float(np.mean(np.abs(candidate.predict(x, verbose=0) - expected)))
        if change < least:
            best, least = candidate, change
    return best

# %% drop_block :: min with a key, the last first :: pass
def drop_block(model, blocks, x):
    def change(name):
        return float(keras.ops.mean(keras.ops.abs(drop_layers(model, [name])(x) - model(x))))

    return drop_layers(model, [min(reversed(blocks), key=change)])

# %% drop_block :: sorted by change :: pass
def drop_block(model, blocks, x):
    whole = np.asarray(model(x))
    ranked = sorted(blocks, key=lambda name: np.abs(np.asarray(drop_layers(model, [name])(x)) - whole).sum())
    return drop_layers(model, ranked[:1])

# %% drop_block :: the one that is missed most :: fails test_drop_block, test_drop_block_whole :: second adds next to nothing
def drop_block(model, blocks, x):
    whole = model(x, training=False).numpy()
    tried = [drop_layers(model, [name]) for name in blocks]
    return tried[int(np.argmax([np.abs(net(x).numpy() - whole).mean() for net in tried]))]

# %% drop_block :: forgets the absolute value :: fails test_drop_block :: second adds next to nothing
def drop_block(model, blocks, x):
    whole = model(x, training=False).numpy()
    tried = [drop_layers(model, [name]) for name in blocks]
    return tried[int(np.argmin([(net(x).numpy() - whole).mean() for net in tried]))]

# %% drop_block :: always the last block :: fails test_drop_block :: second adds next to nothing
def drop_block(model, blocks, x):
    return drop_layers(model, blocks[-1:])

# %% drop_block :: returns the name :: fails test_drop_block, test_drop_block_whole :: Return a model
def drop_block(model, blocks, x):
    whole = model(x, training=False).numpy()
    return min(blocks, key=lambda name: np.abs(drop_layers(model, [name])(x).numpy() - whole).mean())

# %% drop_block :: drops one after the other :: fails test_drop_block, test_drop_block_whole :: it should go, and it alone
def drop_block(model, blocks, x):
    for name in blocks:
        model = drop_layers(model, [name])
    return model

# %% drop_block :: returns the whole model :: fails test_drop_block, test_drop_block_whole :: it should go, and it alone
def drop_block(model, blocks, x):
    for name in blocks:
        drop_layers(model, [name])
    return model

# %% drop_block :: looks at all blocks, allowed or not :: fails test_drop_block, test_drop_block_whole :: is missed least
def drop_block(model, blocks, x):
    whole = model(x, training=False).numpy()
    names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Add)]
    tried = [drop_layers(model, [name]) for name in names]
    return tried[int(np.argmin([np.abs(net(x).numpy() - whole).mean() for net in tried]))]

# %% time_in_turns :: lists and a median :: pass
def time_in_turns(functions, rounds, clock=time.perf_counter):
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return {name: float(np.median(spent)) for name, spent in seconds.items()}

# %% time_in_turns :: a table, the warm-up its first row :: pass
def time_in_turns(functions, rounds, clock=time.perf_counter):
    table = np.zeros((rounds + 1, len(functions)))
    for i in range(rounds + 1):
        for j, name in enumerate(functions):
            before = clock()
            functions[name]()
            table[i, j] = clock() - before
    return dict(zip(functions, np.median(table[1:], axis=0)))

# %% time_in_turns :: another one first in each round, sorted :: pass
def time_in_turns(functions, rounds, clock=time.perf_counter):
    def once(name):
        start = clock()
        functions[name]()
        return clock() - start

    names = list(functions)
    spent = {name: [] for name in names}
    for i in range(-1, rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            took = once(name)
            if i >= 0:
                spent[name].append(took)
    middle = {}
    for name in names:
        row = sorted(spent[name])
        middle[name] = (row[(rounds - 1) // 2] + row[rounds // 2]) / 2
    return middle

# %% time_in_turns :: no warm-up :: fails test_time_calls, test_time_median :: each function is called 4 times
def time_in_turns(functions, rounds, clock=time.perf_counter):
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return {name: float(np.median(spent)) for name, spent in seconds.items()}

# %% time_in_turns :: one after the other :: fails test_time_calls :: Take turns
def time_in_turns(functions, rounds, clock=time.perf_counter):
    medians = {}
    for name, function in functions.items():
        function()
        spent = []
        for _ in range(rounds):
            start = clock()
            function()
            spent.append(clock() - start)
        medians[name] = float(np.median(spent))
    return medians

# %% time_in_turns :: a mean :: fails test_time_median :: the median of these five is 2 s
def time_in_turns(functions, rounds, clock=time.perf_counter):
    for function in functions.values():
        function()
    seconds = {name: 0 for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name] += (clock() - start) / rounds
    return seconds

# %% time_in_turns :: counts the warm-up :: fails test_time_median :: 50 s to warm up
def time_in_turns(functions, rounds, clock=time.perf_counter):
    seconds = {name: [] for name in functions}
    for _ in range(rounds + 1):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return {name: float(np.median(spent)) for name, spent in seconds.items()}

# %% time_in_turns :: the clock is started once a round :: fails test_time_median :: the median of these five is 4 s
def time_in_turns(functions, rounds, clock=time.perf_counter):
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        start = clock()
        for name, function in functions.items():
            function()
            seconds[name].append(clock() - start)
    return {name: float(np.median(spent)) for name, spent in seconds.items()}

# %% time_in_turns :: does not call :: fails test_time_calls, test_time_median :: each function is called 4 times
def time_in_turns(functions, rounds, clock=time.perf_counter):
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function
            seconds[name].append(clock() - start)
    return {name: float(np.median(spent)) for name, spent in seconds.items()}

# %% time_in_turns :: all times instead of one :: fails test_time_median :: should return one number
def time_in_turns(functions, rounds, clock=time.perf_counter):
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return seconds

# %% time_in_turns :: a clock of its own :: fails test_time_median :: Ask `clock()`
def time_in_turns(functions, rounds, clock=None):
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(spent)) for name, spent in seconds.items()}

# %% quiz :: right :: pass
{"macs": "b", "change": "c", "removed": "b", "residual": "c"}

# %% quiz :: as many MACs as channels :: fails test_quiz_macs :: what is left at 30 %
{"macs": "a", "change": "c", "removed": "b", "residual": "c"}

# %% quiz :: the maker alone :: fails test_quiz_change :: who uses it
{"macs": "b", "change": "b", "removed": "b", "residual": "c"}

# %% quiz :: a little worse :: fails test_quiz_removed :: answers, parameters, MACs
{"macs": "b", "change": "c", "removed": "a", "residual": "c"}

# %% quiz :: the layer before :: fails test_quiz_residual :: on one line
{"macs": "b", "change": "c", "removed": "b", "residual": "b"}
