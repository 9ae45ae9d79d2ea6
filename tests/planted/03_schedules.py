# %% keep_mask :: multiplies :: pass
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return weights * self.mask

# %% keep_mask :: where :: pass
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return keras.ops.where(keras.ops.equal(self.mask, 1), weights, keras.ops.zeros_like(weights))

# %% keep_mask :: subtracts what is removed :: pass
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        removed = keras.ops.multiply(weights, 1 - self.mask)
        return keras.ops.subtract(weights, removed)

# %% keep_mask :: returns the mask :: fails test_keep_mask, test_keep_mask_training :: stay as they are
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return keras.ops.convert_to_tensor(self.mask)

# %% keep_mask :: keeps what should go :: fails test_keep_mask, test_keep_mask_training :: 3 becomes zero
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return weights * (1 - self.mask)

# %% keep_mask :: forgets to return :: fails test_keep_mask, test_keep_mask_training :: returned None
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        weights = weights * self.mask

# %% keep_mask :: NumPy in the compiled step :: fails test_keep_mask_training :: NumPy cannot look into
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return np.where(self.mask.numpy() > 0, weights, np.float32(0))

# %% keep_mask :: also no negative weights :: fails test_keep_mask, test_keep_mask_training :: -2 stay as they are
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return keras.ops.relu(weights) * self.mask

# %% keep_mask :: a mask of its own that never changes :: fails test_keep_mask :: the new mask should count
class KeepMask(keras.constraints.Constraint):
    def __init__(self, mask):
        self.fixed = keras.ops.convert_to_tensor(np.asarray(mask, "float32"))
        self.mask = keras.Variable(np.asarray(mask, "float32"), trainable=False)

    def __call__(self, weights):
        return weights * self.fixed

# %% polynomial_sparsity :: as the formula says :: pass
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step >= end:
        return final
    p = (step - begin) / (end - begin)
    return final * (1 - (1 - p) ** power)

# %% polynomial_sparsity :: clips the way :: pass
def polynomial_sparsity(step, final, begin, end, power=3):
    way = np.clip((step - begin) / max(end - begin, 1), 0, 1) if end > begin else float(step >= end)
    return final - final * (1 - way) ** power

# %% polynomial_sparsity :: counts what is ahead :: pass
def polynomial_sparsity(step, final, begin, end, power=3):
    if not begin <= step < end:
        return final if step >= end else 0
    ahead = 1.0
    for _ in range(1):
        ahead = ((end - step) / (end - begin)) ** power
    return (1 - ahead) * final

# %% polynomial_sparsity :: the engine's own :: pass
def polynomial_sparsity(step, final, begin, end, power=3):
    return schedules.polynomial(final, begin=begin, end=end, power=power)(step)

# %% polynomial_sparsity :: the way begins at zero :: fails test_polynomial, test_polynomial_edges :: half of the way is done at 150
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step >= end:
        return final
    return final * (1 - (1 - step / end) ** power)

# %% polynomial_sparsity :: divides by the end :: fails test_polynomial :: half of the way is done at 150
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step >= end:
        return final
    return final * (1 - (1 - (step - begin) / end) ** power)

# %% polynomial_sparsity :: starts slowly :: fails test_polynomial :: Half-way p is 0.5
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step >= end:
        return final
    return final * ((step - begin) / (end - begin)) ** power

# %% polynomial_sparsity :: always the cubic :: fails test_polynomial :: half of the way is done at 150
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step >= end:
        return final
    return final * (1 - (1 - (step - begin) / (end - begin)) ** 3)

# %% polynomial_sparsity :: no end :: fails test_polynomial_edges :: should lie between 0 and 1
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    p = (step - begin) / (end - begin)
    return final * (1 - (1 - p) ** power)

# %% polynomial_sparsity :: ends one step late :: fails test_polynomial_edges :: nothing is left to divide
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step > end:
        return final
    p = (step - begin) / (end - begin)
    return final * (1 - (1 - p) ** power)

# %% polynomial_sparsity :: the share that stays :: fails test_polynomial, test_polynomial_edges :: Half-way p is 0.5
def polynomial_sparsity(step, final, begin, end, power=3):
    if step < begin:
        return 0.0
    if step >= end:
        return 1 - final
    p = (step - begin) / (end - begin)
    return 1 - final * (1 - (1 - p) ** power)

# %% next_mask :: removed ones get -1 :: pass
def next_mask(weights, mask, sparsity):
    n_keep = min(mask.sum(), max(1, round(weights.size * (1 - sparsity))))
    magnitudes = np.where(mask, np.abs(weights), -1).ravel()
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-magnitudes, kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% next_mask :: sorts only the living :: pass
def next_mask(weights, mask, sparsity):
    n_keep = max(1, round(weights.size * (1 - sparsity)))
    new, alive = mask.copy(), np.flatnonzero(mask)
    surplus = max(0, len(alive) - n_keep)
    new.flat[alive[np.argsort(np.abs(weights.flat[alive]))[:surplus]]] = False
    return new

# %% next_mask :: removes the smallest, one by one :: pass
def next_mask(weights, mask, sparsity):
    new = np.array(mask)
    places = [place for place in np.ndindex(mask.shape) if mask[place]]
    places.sort(key=lambda place: abs(weights[place]))
    while len(places) > max(1, round(weights.size * (1 - sparsity))):
        new[places.pop(0)] = False
    return new

# %% next_mask :: afresh each time :: fails test_next_mask, test_next_mask_nested :: it should not return
def next_mask(weights, mask, sparsity):
    n_keep = max(1, round(weights.size * (1 - sparsity)))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% next_mask :: afresh, then both :: fails test_next_mask, test_next_mask_nested :: three stay, not 1
def next_mask(weights, mask, sparsity):
    n_keep = max(1, round(weights.size * (1 - sparsity)))
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-np.abs(weights).ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape) & mask

# %% next_mask :: the share of the living :: fails test_next_mask, test_next_mask_nested :: The share counts all weights
def next_mask(weights, mask, sparsity):
    n_keep = max(1, round(mask.sum() * (1 - sparsity)))
    magnitudes = np.where(mask, np.abs(weights), -1).ravel()
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-magnitudes, kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% next_mask :: a threshold, forgets ties :: fails test_next_mask_nested :: Living zeros
def next_mask(weights, mask, sparsity):
    n_keep = min(mask.sum(), max(1, round(weights.size * (1 - sparsity))))
    magnitudes = np.where(mask, np.abs(weights), -1)
    return magnitudes >= np.sort(magnitudes, axis=None)[-n_keep]

# %% next_mask :: zeros count as removed :: fails test_next_mask_nested :: Living zeros
def next_mask(weights, mask, sparsity):
    n_keep = min(mask.sum(), max(1, round(weights.size * (1 - sparsity))))
    magnitudes = np.abs(weights * mask)
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-magnitudes.ravel(), kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% next_mask :: brings back what is missing :: fails test_next_mask_nested :: nothing changes
def next_mask(weights, mask, sparsity):
    n_keep = max(1, round(weights.size * (1 - sparsity)))
    magnitudes = np.where(mask, np.abs(weights), -1).ravel()
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-magnitudes, kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% next_mask :: forgets the absolute value :: fails test_next_mask :: are the largest
def next_mask(weights, mask, sparsity):
    n_keep = min(mask.sum(), max(1, round(weights.size * (1 - sparsity))))
    values = np.where(mask, weights, -np.inf).ravel()
    keep = np.zeros(weights.size, dtype=bool)
    keep[np.argsort(-values, kind="stable")[:n_keep]] = True
    return keep.reshape(weights.shape)

# %% next_mask :: writes into the mask :: fails test_next_mask_nested :: changed the array it was given
def next_mask(weights, mask, sparsity):
    n_keep = max(1, round(weights.size * (1 - sparsity)))
    alive = np.flatnonzero(mask)
    surplus = max(0, len(alive) - n_keep)
    mask.flat[alive[np.argsort(np.abs(weights.flat[alive]))[:surplus]]] = False
    return mask.copy()

# %% next_mask :: returns the weights :: fails test_next_mask, test_next_mask_nested :: type bool
def next_mask(weights, mask, sparsity):
    n_keep = min(mask.sum(), max(1, round(weights.size * (1 - sparsity))))
    magnitudes = np.where(mask, np.abs(weights), -1)
    border = np.sort(magnitudes, axis=None)[-n_keep]
    return np.where(magnitudes >= border, weights, 0)

# %% prune_and_finetune :: mask, constraint, kernel, train :: pass
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step))
            kernel.constraint.mask.assign(new[name])
            kernel.assign(kernel * new[name])
        history.append(new)
        masks = new
        train(model, every)
    return history

# %% prune_and_finetune :: asks the constraint, updates one dict :: pass
def prune_and_finetune(model, sparsity_at, steps, every, train):
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    masks = {layer.name: np.ones(layer.kernel.shape, bool) for layer in layers}
    for layer in layers:
        layer.kernel.constraint = KeepMask(masks[layer.name])
    history = []
    for cut in range(steps // every):
        for layer in reversed(layers):
            kernel = layer.kernel
            masks[layer.name] = next_mask(kernel.numpy(), masks[layer.name], sparsity_at(cut * every))
            kernel.constraint.mask.assign(masks[layer.name])
            kernel.assign(kernel.constraint(kernel))
        history.append(dict(masks))
        train(model, every)
    return history

# %% prune_and_finetune :: the engine holds :: pass
def prune_and_finetune(model, sparsity_at, steps, every, train):
    history, step = [], 0
    while step < steps:
        if history:
            old = history[-1]
        else:
            old = {layer.name: np.ones(layer.kernel.shape, bool) for layer in model.layers}
        new = {}
        for layer in model.layers:
            new[layer.name] = next_mask(layer.kernel.numpy(), old[layer.name], sparsity_at(step))
        hold(model, {f"{name}/kernel": mask for name, mask in new.items()})
        history.append(new)
        train(model, every)
        step += every
    return history

# %% prune_and_finetune :: forgets the constraint :: fails test_prune_nested :: tell the constraint
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step))
            kernel.assign(kernel * new[name])
        history.append(new)
        masks = new
        train(model, every)
    return history

# %% prune_and_finetune :: forgets the kernel :: fails test_prune_nested :: zero before training
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step))
            kernel.constraint.mask.assign(new[name])
        history.append(new)
        masks = new
        train(model, every)
    return history

# %% prune_and_finetune :: trains before it cuts :: fails test_prune_nested :: zero before training
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        train(model, every)
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step))
            kernel.constraint.mask.assign(new[name])
            kernel.assign(kernel * new[name])
        history.append(new)
        masks = new
    return history

# %% prune_and_finetune :: the next step's sparsity :: fails test_prune_and_finetune, test_prune_nested :: should keep 80, 60, 40, 20
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step + every))
            kernel.constraint.mask.assign(new[name])
            kernel.assign(kernel * new[name])
        history.append(new)
        masks = new
        train(model, every)
    return history

# %% prune_and_finetune :: trains one step only :: fails test_prune_and_finetune :: after each of four cuts
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step))
            kernel.constraint.mask.assign(new[name])
            kernel.assign(kernel * new[name])
        history.append(new)
        masks = new
        train(model, 1)
    return history

# %% prune_and_finetune :: one dict for all cuts :: fails test_prune_and_finetune, test_prune_nested :: should keep 80, 60, 40, 20
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    masks = {name: np.ones(kernel.shape, bool) for name, kernel in kernels.items()}
    for name, kernel in kernels.items():
        kernel.constraint = KeepMask(masks[name])
    history = []
    for step in range(0, steps, every):
        for name, kernel in kernels.items():
            masks[name] = next_mask(kernel.numpy(), masks[name], sparsity_at(step))
            kernel.constraint.mask.assign(masks[name])
            kernel.assign(kernel * masks[name])
        history.append(masks)
        train(model, every)
    return history

# %% prune_and_finetune :: each mask afresh :: fails test_prune_nested :: A removed weight returned
def prune_and_finetune(model, sparsity_at, steps, every, train):
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    history = []
    for step in range(0, steps, every):
        new = {}
        for name, kernel in kernels.items():
            new[name] = next_mask(kernel.numpy(), np.ones(kernel.shape, bool), sparsity_at(step))
            kernel.assign(kernel * new[name])
        history.append(new)
        train(model, every)
    return history

# %% iterative_prune :: a staircase is a schedule :: pass
def iterative_prune(model, final, rounds, steps, train):
    def stairs(step):
        return 1 - (1 - final) ** ((step // steps + 1) / rounds)

    return prune_and_finetune(model, stairs, rounds * steps, steps, train)

# %% iterative_prune :: the engine's staircase :: pass
def iterative_prune(model, final, rounds, steps, train):
    stairs = schedules.iterative(final, rounds=rounds, every=steps)
    return prune_and_finetune(model, stairs, rounds * steps, steps, train)

# %% iterative_prune :: a loop of its own :: pass
def iterative_prune(model, final, rounds, steps, train):
    masks = {layer.name: np.ones(layer.kernel.shape, bool) for layer in model.layers}
    for layer in model.layers:
        layer.kernel.constraint = KeepMask(masks[layer.name])
    share, left, history = (1 - final) ** (1 / rounds), 1.0, []
    for _ in range(rounds):
        left *= share
        for layer in model.layers:
            masks[layer.name] = next_mask(layer.kernel.numpy(), masks[layer.name], 1 - left)
            layer.kernel.constraint.mask.assign(masks[layer.name])
            layer.kernel.assign(layer.kernel * masks[layer.name])
        history.append(masks.copy())
        train(model, steps)
    return history

# %% iterative_prune :: rounds held by the engine :: pass
def iterative_prune(model, final, rounds, steps, train):
    history = []
    for i in range(1, rounds + 1):
        make_masks(model, 1 - (1 - final) ** (i / rounds), scope=layerwise).apply(model)
        found = {layer.name: layer.kernel.numpy() != 0 for layer in model.layers}
        hold(model, {f"{name}/kernel": mask for name, mask in found.items()})
        history.append(found)
        train(model, steps)
    return history

# %% iterative_prune :: the same number each round :: fails test_iterative :: 60, then 36 stay
def iterative_prune(model, final, rounds, steps, train):
    stairs = lambda step: final * (step // steps + 1) / rounds
    return prune_and_finetune(model, stairs, rounds * steps, steps, train)

# %% iterative_prune :: a round late :: fails test_iterative :: 60, then 36 stay
def iterative_prune(model, final, rounds, steps, train):
    stairs = lambda step: 1 - (1 - final) ** (step // steps / rounds)
    return prune_and_finetune(model, stairs, rounds * steps, steps, train)

# %% iterative_prune :: the final share in each round :: fails test_iterative :: 60, then 36 stay
def iterative_prune(model, final, rounds, steps, train):
    return prune_and_finetune(model, lambda step: final, rounds * steps, steps, train)

# %% iterative_prune :: a power of the sparsity :: fails test_iterative :: 60, then 36 stay
def iterative_prune(model, final, rounds, steps, train):
    stairs = lambda step: final ** (rounds / (step // steps + 1))
    return prune_and_finetune(model, stairs, rounds * steps, steps, train)

# %% iterative_prune :: shares the steps among the rounds :: fails test_iterative :: once a round
def iterative_prune(model, final, rounds, steps, train):
    history = []

    def shorter(model, n):
        train(model, max(1, n // rounds))

    stairs = lambda step: 1 - (1 - final) ** ((step // steps + 1) / rounds)
    return prune_and_finetune(model, stairs, rounds * steps, steps, shorter)

# %% iterative_prune :: starts anew each round :: fails test_iterative_nested :: A removed weight returned
def iterative_prune(model, final, rounds, steps, train):
    whole, history = model.get_weights(), []
    for i in range(1, rounds + 1):
        model.set_weights([w + np.random.default_rng(i).normal(size=w.shape) for w in whole])
        plan = lambda step: 1 - (1 - final) ** (i / rounds)
        history += prune_and_finetune(model, plan, steps, steps, train)
    return history

# %% iterative_prune :: returns the last masks only :: fails test_iterative, test_iterative_nested :: list of 2 dicts
def iterative_prune(model, final, rounds, steps, train):
    stairs = schedules.iterative(final, rounds=rounds, every=steps)
    return prune_and_finetune(model, stairs, rounds * steps, steps, train)[-1]

# %% quiz :: right :: pass
{"return": "c", "half": "d", "fair": "b", "linear": "b"}

# %% quiz :: nothing moves without a gradient :: fails test_quiz_return :: who remembers
{"return": "a", "half": "d", "fair": "b", "linear": "b"}

# %% quiz :: half of the way, half of the weights :: fails test_quiz_half :: Half-way
{"return": "c", "half": "b", "fair": "b", "linear": "b"}

# %% quiz :: gradual is better :: fails test_quiz_fair :: what else
{"return": "c", "half": "d", "fair": "a", "linear": "b"}

# %% quiz :: the first cuts :: fails test_quiz_linear :: at its right end
{"return": "c", "half": "d", "fair": "b", "linear": "c"}
