# %% threshold_for :: counts from the end :: pass
def threshold_for(weights, sparsity):
    magnitudes = np.sort(np.abs(weights), axis=None)
    n_keep = max(1, round(magnitudes.size * (1 - sparsity)))
    return magnitudes[-n_keep]

# %% threshold_for :: partition, counts from the start :: pass
def threshold_for(weights, sparsity):
    size = np.abs(weights).ravel()
    place = size.size - max(1, round(size.size * (1 - sparsity)))
    return np.partition(size, place)[place]

# %% threshold_for :: loop, the largest first :: pass
def threshold_for(weights, sparsity):
    left = [abs(value) for value in weights.ravel().tolist()]
    for _ in range(max(1, round(len(left) * (1 - sparsity)))):
        border = max(left)
        left.remove(border)
    return border

# %% threshold_for :: half-way between two weights :: pass
def threshold_for(weights, sparsity):
    magnitudes = np.sort(np.abs(weights), axis=None)
    first = magnitudes.size - max(1, round(magnitudes.size * (1 - sparsity)))
    return (magnitudes[max(first - 1, 0)] + magnitudes[first]) / 2 if first else magnitudes[0]

# %% threshold_for :: one place too far :: fails test_threshold_for, test_threshold_limits :: 4 stay
def threshold_for(weights, sparsity):
    magnitudes = np.sort(np.abs(weights), axis=None)
    n_keep = max(1, round(magnitudes.size * (1 - sparsity)))
    return magnitudes[-n_keep - 1]

# %% threshold_for :: the largest that goes :: fails test_threshold_for, test_threshold_limits :: 4 stay
def threshold_for(weights, sparsity):
    magnitudes = np.sort(np.abs(weights), axis=None)
    return magnitudes[int(magnitudes.size * sparsity) - 1]

# %% threshold_for :: counts from the wrong end :: fails test_threshold_for, test_threshold_limits :: should stay
def threshold_for(weights, sparsity):
    magnitudes = np.sort(np.abs(weights), axis=None)
    n_keep = max(1, round(magnitudes.size * (1 - sparsity)))
    return magnitudes[n_keep - 1]

# %% threshold_for :: a percentile :: fails test_threshold_for :: A percentile of NumPy lies between two weights
def threshold_for(weights, sparsity):
    return np.percentile(np.abs(weights), 100 * sparsity)

# %% threshold_for :: the share is the threshold :: fails test_threshold_for, test_threshold_limits :: should stay
def threshold_for(weights, sparsity):
    return sparsity * np.abs(weights).max()

# %% threshold_for :: forgets the absolute value :: fails test_threshold_for, test_threshold_limits :: should stay
def threshold_for(weights, sparsity):
    row = np.sort(weights, axis=None)
    return abs(row[-max(1, round(row.size * (1 - sparsity)))])

# %% threshold_for :: sorts the weights themselves :: fails test_threshold_limits :: changed the array it was given
def threshold_for(weights, sparsity):
    np.abs(weights, out=weights)
    row = weights.reshape(-1)
    row.sort()
    return row[-max(1, round(row.size * (1 - sparsity)))]

# %% threshold_for :: sorts row by row :: fails test_threshold_for, test_threshold_limits :: should return one number
def threshold_for(weights, sparsity):
    magnitudes = np.sort(np.abs(weights))
    n_keep = max(1, round(len(magnitudes) * (1 - sparsity)))
    return magnitudes[-n_keep]

# %% layerwise_mask :: threshold by layer :: pass
def layerwise_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        if array.ndim == 1:
            masks[name] = np.ones(array.shape, dtype=bool)
        else:
            masks[name] = np.abs(array) >= threshold_for(array, sparsity)
    return masks

# %% layerwise_mask :: argsort :: pass
def layerwise_mask(weights, sparsity):
    def mask(array):
        keep = np.ones(array.size, bool)
        if array.ndim > 1:
            gone = array.size - max(1, round(array.size * (1 - sparsity)))
            keep[np.abs(array).ravel().argsort(kind="stable")[:gone]] = False
        return keep.reshape(array.shape)

    return {name: mask(weights[name]) for name in reversed(list(weights))}

# %% layerwise_mask :: loops over weights :: pass
def layerwise_mask(weights, sparsity):
    masks = {name: array == array for name, array in weights.items()}
    for name in [n for n in weights if len(weights[n].shape) >= 2]:
        places = list(np.ndindex(weights[name].shape))
        places.sort(key=lambda place: abs(weights[name][place]))
        for place in places[: len(places) - max(1, round(len(places) * (1 - sparsity)))]:
            masks[name][place] = False
    return masks

# %% layerwise_mask :: prunes biases :: fails test_layerwise_biases :: all of it should stay
def layerwise_mask(weights, sparsity):
    return {name: np.abs(array) >= threshold_for(array, sparsity) for name, array in weights.items()}

# %% layerwise_mask :: one threshold for all :: fails test_layerwise_mask :: Half of a/kernel should stay
def layerwise_mask(weights, sparsity):
    border = threshold_for(np.concatenate([a.ravel() for a in weights.values() if a.ndim > 1]), sparsity)
    return {name: (np.abs(array) >= border) | (array.ndim == 1) for name, array in weights.items()}

# %% layerwise_mask :: keeps the share that should go :: fails test_layerwise_mask, test_layerwise_biases :: weights should stay
def layerwise_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        masks[name] = array == array if array.ndim == 1 else np.abs(array) >= threshold_for(array, 1 - sparsity)
    return masks

# %% layerwise_mask :: leaves the biases out :: fails test_layerwise_mask, test_layerwise_biases :: has no entry for
def layerwise_mask(weights, sparsity):
    return {n: np.abs(a) >= threshold_for(a, sparsity) for n, a in weights.items() if a.ndim > 1}

# %% layerwise_mask :: knows biases by name :: fails test_layerwise_biases :: Not the name, but the number of axes
def layerwise_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        masks[name] = np.abs(array) >= threshold_for(array, 0 if name.endswith("bias") else sparsity)
    return masks

# %% layerwise_mask :: masks of numbers :: fails test_layerwise_mask, test_layerwise_biases :: type bool
def layerwise_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        masks[name] = np.ones_like(array) if array.ndim == 1 else 1.0 * (np.abs(array) >= threshold_for(array, sparsity))
    return masks

# %% layerwise_mask :: forgets the absolute value :: fails test_layerwise_mask :: lost a larger weight than it kept
def layerwise_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        n_keep = max(1, round(array.size * (1 - sparsity)))
        masks[name] = array == array if array.ndim == 1 else array >= np.sort(array, axis=None)[-n_keep]
    return masks

# %% layerwise_mask :: writes zeros into the weights :: fails test_layerwise_biases :: changed the array it was given
def layerwise_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        masks[name] = np.abs(array) >= threshold_for(array, 0 if array.ndim == 1 else sparsity)
    for name, array in weights.items():
        array -= 1e-3 * array
    return masks

# %% global_mask :: one long row :: pass
def global_mask(weights, sparsity):
    border = threshold_for(np.concatenate([a.ravel() for a in weights.values() if a.ndim > 1]), sparsity)
    return {name: (np.abs(array) >= border) | (array.ndim == 1) for name, array in weights.items()}

# %% global_mask :: argsort and split :: pass
def global_mask(weights, sparsity):
    kernels = [name for name, array in weights.items() if array.ndim > 1]
    row = np.abs(np.hstack([weights[name].ravel() for name in kernels]))
    keep = np.zeros(row.size, dtype=bool)
    keep[np.argsort(row)[row.size - round(row.size * (1 - sparsity)) :]] = True
    parts = np.split(keep, np.cumsum([weights[name].size for name in kernels])[:-1])
    masks = {name: np.full(array.shape, True) for name, array in weights.items()}
    for name, part in zip(kernels, parts):
        masks[name] = part.reshape(weights[name].shape)
    return masks

# %% global_mask :: loop over all weights :: pass
def global_mask(weights, sparsity):
    masks = {name: np.ones(array.shape, bool) for name, array in weights.items()}
    entries = []
    for name, array in weights.items():
        if array.ndim > 1:
            entries += [(abs(array[place]), name, place) for place in np.ndindex(array.shape)]
    entries.sort()
    for _, name, place in entries[: len(entries) - round(len(entries) * (1 - sparsity))]:
        masks[name][place] = False
    return masks

# %% global_mask :: the engine's own :: pass
def global_mask(weights, sparsity):
    keep = globally({name: np.abs(array) for name, array in weights.items() if array.ndim > 1}, sparsity)
    return {name: keep.get(name, np.ones(array.shape, bool)) for name, array in weights.items()}

# %% global_mask :: layer by layer :: fails test_global_mask, test_global_biases :: both should stay
def global_mask(weights, sparsity):
    masks = {}
    for name, array in weights.items():
        masks[name] = array == array if array.ndim == 1 else np.abs(array) >= threshold_for(array, sparsity)
    return masks

# %% global_mask :: biases compete :: fails test_global_mask, test_global_biases :: Biases are spared
def global_mask(weights, sparsity):
    border = threshold_for(np.concatenate([array.ravel() for array in weights.values()]), sparsity)
    return {name: np.abs(array) >= border for name, array in weights.items()}

# %% global_mask :: biases are spared but counted :: fails test_global_mask, test_global_biases :: should stay
def global_mask(weights, sparsity):
    border = threshold_for(np.concatenate([array.ravel() for array in weights.values()]), sparsity)
    return {name: (np.abs(array) >= border) | (array.ndim == 1) for name, array in weights.items()}

# %% global_mask :: the mean of the thresholds :: fails test_global_mask, test_global_biases :: should stay
def global_mask(weights, sparsity):
    border = np.mean([threshold_for(array, sparsity) for array in weights.values() if array.ndim > 1])
    return {name: (np.abs(array) >= border) | (array.ndim == 1) for name, array in weights.items()}

# %% global_mask :: only larger than the border :: fails test_global_mask, test_global_biases :: should stay
def global_mask(weights, sparsity):
    border = threshold_for(np.concatenate([a.ravel() for a in weights.values() if a.ndim > 1]), sparsity)
    return {name: (np.abs(array) > border) | (array.ndim == 1) for name, array in weights.items()}

# %% global_mask :: the biases are left out :: fails test_global_mask, test_global_biases :: has no entry for
def global_mask(weights, sparsity):
    kernels = {name: array for name, array in weights.items() if array.ndim > 1}
    border = threshold_for(np.concatenate([array.ravel() for array in kernels.values()]), sparsity)
    return {name: np.abs(array) >= border for name, array in kernels.items()}

# %% global_mask :: one mask, one row :: fails test_global_mask, test_global_biases :: should return a dict
def global_mask(weights, sparsity):
    row = np.concatenate([array.ravel() for array in weights.values() if array.ndim > 1])
    return np.abs(row) >= threshold_for(row, sparsity)

# %% sensitivity_scan :: puts back after each layer :: pass
def sensitivity_scan(model, levels, evaluate):
    found = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            whole = layer.kernel.numpy()
            found[layer.name] = []
            for level in levels:
                layer.kernel.assign(whole * (np.abs(whole) >= threshold_for(whole, level)))
                found[layer.name].append(evaluate(model))
            layer.kernel.assign(whole)
    return found

# %% sensitivity_scan :: on a copy :: pass
def sensitivity_scan(model, levels, evaluate):
    names = [layer.name for layer in model.layers if hasattr(layer, "kernel")]
    found = {name: [] for name in names}
    for level in levels:
        for name in names:
            patient = models.copy(model)
            make_masks(patient, level, scope=layerwise, within=[name]).apply(patient)
            found[name].append(evaluate(patient))
    return found

# %% sensitivity_scan :: all weights back, the other order :: pass
def sensitivity_scan(model, levels, evaluate):
    whole = model.get_weights()
    scores = {}
    for layer in reversed(model.layers):
        if not hasattr(layer, "kernel"):
            continue
        for place, level in enumerate(levels):
            mask = layerwise_mask({"k": layer.kernel.numpy()}, level)["k"]
            layer.kernel.assign(np.where(mask, layer.kernel.numpy(), 0))
            scores.setdefault(layer.name, np.zeros(len(levels)))[place] = evaluate(model)
            model.set_weights(whole)
    return scores

# %% sensitivity_scan :: a table for one layer, finally whole :: pass
def sensitivity_scan(model, levels, evaluate):
    found = {layer.name: [] for layer in model.layers if hasattr(layer, "kernel")}
    whole = model.get_weights()
    try:
        for name in found:
            for level in levels:
                make_masks(model, None, scope=per_layer({name: level})).apply(model)
                found[name].append(evaluate(model))
                model.set_weights(whole)
    finally:
        model.set_weights(whole)
    return found

# %% sensitivity_scan :: the engine's own :: pass
def sensitivity_scan(model, levels, evaluate):
    scores = sensitivity(model, evaluate, levels)
    return {path.split("/")[0]: tuple(line.values()) for path, line in scores.items()}

# %% sensitivity_scan :: never puts back :: fails test_scan, test_scan_alone, test_scan_restored :: Is the layer whole again
def sensitivity_scan(model, levels, evaluate):
    found = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            found[layer.name] = []
            for level in levels:
                kernel = layer.kernel.numpy()
                layer.kernel.assign(kernel * (np.abs(kernel) >= threshold_for(kernel, level)))
                found[layer.name].append(evaluate(model))
    return found

# %% sensitivity_scan :: puts back at the very end :: fails test_scan, test_scan_alone :: before the next layer
def sensitivity_scan(model, levels, evaluate):
    whole, found = model.get_weights(), {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            kernel, found[layer.name] = layer.kernel.numpy(), []
            for level in levels:
                layer.kernel.assign(kernel * (np.abs(kernel) >= threshold_for(kernel, level)))
                found[layer.name].append(evaluate(model))
    model.set_weights(whole)
    return found

# %% sensitivity_scan :: each level on top of the last :: fails test_scan, test_scan_alone :: before the next level
def sensitivity_scan(model, levels, evaluate):
    found = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            whole, found[layer.name] = layer.kernel.numpy(), []
            for level in levels:
                kernel = layer.kernel.numpy()
                layer.kernel.assign(kernel * (np.abs(kernel) >= threshold_for(kernel, level)))
                found[layer.name].append(evaluate(model))
            layer.kernel.assign(whole)
    return found

# %% sensitivity_scan :: forgets to restore the last :: fails test_scan_restored :: changed the array it was given
def sensitivity_scan(model, levels, evaluate):
    start, found = model.get_weights(), {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            model.set_weights(start)
            whole, found[layer.name] = layer.kernel.numpy(), []
            for level in levels:
                layer.kernel.assign(whole * (np.abs(whole) >= threshold_for(whole, level)))
                found[layer.name].append(evaluate(model))
    return found

# %% sensitivity_scan :: prunes all layers at once :: fails test_scan, test_scan_alone :: zeros
def sensitivity_scan(model, levels, evaluate):
    found = {layer.name: [] for layer in model.layers if hasattr(layer, "kernel")}
    for level in levels:
        pruned = models.copy(model)
        make_masks(pruned, level, scope=layerwise).apply(pruned)
        for name in found:
            found[name].append(evaluate(pruned))
    return found

# %% sensitivity_scan :: prunes the bias as well :: fails test_scan_restored :: The biases should stay
def sensitivity_scan(model, levels, evaluate):
    found, whole = {}, model.get_weights()
    for layer in model.layers:
        if layer.weights:
            found[layer.name] = []
            for level in levels:
                for variable in layer.weights:
                    value = variable.numpy()
                    variable.assign(value * (np.abs(value) >= threshold_for(value, level)))
                found[layer.name].append(evaluate(model))
                model.set_weights(whole)
    return found

# %% sensitivity_scan :: removes the largest :: fails test_scan :: the sizes of all weights should sum to
def sensitivity_scan(model, levels, evaluate):
    found = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            whole, found[layer.name] = layer.kernel.numpy(), []
            for level in levels:
                order = np.argsort(-np.abs(whole), axis=None)
                cut = whole.copy()
                cut.flat[order[: whole.size - round(whole.size * (1 - level))]] = 0
                layer.kernel.assign(cut)
                found[layer.name].append(evaluate(model))
            layer.kernel.assign(whole)
    return found

# %% sensitivity_scan :: only one level :: fails test_scan, test_scan_alone :: zeros
def sensitivity_scan(model, levels, evaluate):
    found = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            whole = layer.kernel.numpy()
            for level in levels:
                layer.kernel.assign(whole * (np.abs(whole) >= threshold_for(whole, level)))
                found[layer.name] = [evaluate(model)]
            layer.kernel.assign(whole)
    return found

# %% sensitivity_scan :: sorts the levels :: fails test_scan, test_scan_alone :: zeros
def sensitivity_scan(model, levels, evaluate):
    found, whole = {}, model.get_weights()
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            found[layer.name] = []
            for level in sorted(levels):
                make_masks(model, level, scope=layerwise, within=[layer.name]).apply(model)
                found[layer.name].append(evaluate(model))
                model.set_weights(whole)
    return found

# %% bearable :: stops at the first that costs too much :: pass
def bearable(table, drop):
    highest = {}
    for name, line in table.items():
        highest[name] = 0
        for sparsity in sorted(line):
            if line[sparsity] < line[0] - drop:
                break
            highest[name] = sparsity
    return highest

# %% bearable :: below the first bad one :: pass
def bearable(table, drop):
    found = {}
    for name, line in table.items():
        bad = min((s for s in line if line[0] - line[s] > drop), default=2)
        found[name] = max(s for s in line if s < bad)
    return found

# %% bearable :: running minimum in NumPy :: pass
def bearable(table, drop):
    def highest(line):
        levels = np.array(sorted(line))
        worst = np.minimum.accumulate([line[level] for level in levels])
        return float(levels[worst >= line[0] - drop][-1])

    return {name: highest(line) for name, line in table.items()}

# %% bearable :: trusts what lies behind a dip :: fails test_bearable_dip :: 90 % does not count
def bearable(table, drop):
    return {name: max(s for s, right in line.items() if right >= line[0] - drop) for name, line in table.items()}

# %% bearable :: the first that costs too much :: fails test_bearable, test_bearable_dip :: a bears 50 %
def bearable(table, drop):
    return {
        name: min((s for s, right in line.items() if right < line[0] - drop), default=max(line))
        for name, line in table.items()
    }

# %% bearable :: does not sort :: fails test_bearable_dip :: does not count
def bearable(table, drop):
    highest = {}
    for name, line in table.items():
        highest[name] = 0
        for sparsity, right in line.items():
            if right >= line[0] - drop:
                highest[name] = max(sparsity, highest[name])
    return highest

# %% bearable :: drop as an accuracy :: fails test_bearable, test_bearable_dip :: but not 90 %
def bearable(table, drop):
    return {name: max(s for s, right in line.items() if right >= drop) for name, line in table.items()}

# %% bearable :: from one level to the next :: fails test_bearable :: with a drop of
def bearable(table, drop):
    highest = {}
    for name, line in table.items():
        levels = sorted(line)
        highest[name] = levels[0]
        for low, high in zip(levels, levels[1:]):
            if line[low] - line[high] > drop:
                break
            highest[name] = high
    return highest

# %% bearable :: returns accuracies :: fails test_bearable, test_bearable_dip :: a bears 50 %
def bearable(table, drop):
    return {name: min(right for right in line.values() if right >= line[0] - drop) for name, line in table.items()}

# %% quiz :: right :: pass
{"zeros": "c", "biases": "b", "differ": "b", "sensitive": "d"}

# %% quiz :: only the others stay :: fails test_quiz_zeros :: nearly all zeros
{"zeros": "a", "biases": "b", "differ": "b", "sensitive": "d"}

# %% quiz :: it breaks without biases :: fails test_quiz_biases :: the bare networks
{"zeros": "c", "biases": "a", "differ": "b", "sensitive": "d"}

# %% quiz :: layers of one size :: fails test_quiz_differ :: would have to be alike
{"zeros": "c", "biases": "b", "differ": "a", "sensitive": "d"}

# %% quiz :: the first layer :: fails test_quiz_sensitive :: at 80 %
{"zeros": "c", "biases": "b", "differ": "b", "sensitive": "a"}
