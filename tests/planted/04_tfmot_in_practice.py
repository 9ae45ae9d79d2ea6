# %% cut_steps :: append in the loop :: pass
def cut_steps(begin_step, end_step, frequency, steps):
    found = []
    for step in range(1, steps + 1):
        if begin_step <= step <= end_step and (step - begin_step) % frequency == 0:
            found.append(step)
    return found

# %% cut_steps :: a range with a stride :: pass
def cut_steps(begin_step, end_step, frequency, steps):
    last = min(end_step, steps)
    return [step for step in range(begin_step, last + 1, frequency) if step > 0]

# %% cut_steps :: NumPy :: pass
def cut_steps(begin_step, end_step, frequency, steps):
    step = np.arange(1, steps + 1)
    due = (step >= begin_step) & (step <= end_step) & ((step - begin_step) % frequency == 0)
    return step[due].tolist()

# %% cut_steps :: ask the toolkit itself :: pass
def cut_steps(begin_step, end_step, frequency, steps):
    plan = toolkit.ConstantSparsity(0.5, begin_step, end_step, frequency)
    return [step for step in range(1, steps + 1) if plan(step)[0]]

# %% cut_steps :: counts from 0 :: fails test_cut_steps :: The first step is 1
def cut_steps(begin_step, end_step, frequency, steps):
    return [s for s in range(steps + 1) if begin_step <= s <= end_step and (s - begin_step) % frequency == 0]

# %% cut_steps :: forgets begin_step in the distance :: fails test_cut_steps_begin :: Counted from begin_step
def cut_steps(begin_step, end_step, frequency, steps):
    return [s for s in range(1, steps + 1) if begin_step <= s <= end_step and s % frequency == 0]

# %% cut_steps :: stops before end_step :: fails test_cut_steps, test_cut_steps_begin :: end_step itself counts
def cut_steps(begin_step, end_step, frequency, steps):
    return [s for s in range(1, steps + 1) if begin_step <= s < end_step and (s - begin_step) % frequency == 0]

# %% cut_steps :: cuts at end_step in any case :: fails test_cut_steps, test_cut_steps_begin :: 66 is no multiple
def cut_steps(begin_step, end_step, frequency, steps):
    found = [s for s in range(1, steps + 1) if begin_step <= s <= end_step and (s - begin_step) % frequency == 0]
    return sorted({*found, min(end_step, steps)})

# %% cut_steps :: beyond the run :: fails test_cut_steps, test_cut_steps_begin :: the toolkit cuts at
def cut_steps(begin_step, end_step, frequency, steps):
    return [s for s in range(begin_step, end_step + 1, frequency) if s > 0]

# %% cut_steps :: forgets end_step :: fails test_cut_steps, test_cut_steps_begin :: the toolkit cuts at
def cut_steps(begin_step, end_step, frequency, steps):
    return [s for s in range(1, steps + 1) if s >= begin_step and (s - begin_step) % frequency == 0]

# %% steps_and_frequency :: by the rules :: pass
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size) * epochs
    frequency = max(1, steps // cuts)
    return {"end_step": frequency * min(cuts, steps), "frequency": frequency}

# %% steps_and_frequency :: count the batches :: pass
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = len(range(0, images, batch_size)) * epochs
    if steps < cuts:
        return dict(frequency=1, end_step=steps)
    apart = steps // cuts
    return dict(frequency=apart, end_step=apart * cuts)

# %% steps_and_frequency :: try from the largest down :: pass
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = epochs * (-(-images // batch_size))
    cuts = min(cuts, steps)
    for frequency in range(steps, 0, -1):
        if len(cut_steps(0, steps, frequency, steps)) >= cuts:
            return {"end_step": cut_steps(0, steps, frequency, steps)[cuts - 1], "frequency": frequency}

# %% steps_and_frequency :: NumPy numbers :: pass
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = int(np.ceil(images / batch_size)) * epochs
    frequency = np.maximum(steps // cuts, 1)
    return {"end_step": np.minimum(frequency * cuts, steps), "frequency": frequency}

# %% steps_and_frequency :: forgets the last batch :: fails test_steps, test_steps_last_batch :: two batches of 64
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = max(1, images // batch_size) * epochs
    frequency = max(1, steps // cuts)
    return {"end_step": frequency * min(cuts, steps), "frequency": frequency}

# %% steps_and_frequency :: rounds up after the epochs :: fails test_steps, test_steps_last_batch :: two batches of 64
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images * epochs / batch_size)
    frequency = max(1, steps // cuts)
    return {"end_step": frequency * min(cuts, steps), "frequency": frequency}

# %% steps_and_frequency :: frequency zero :: fails test_steps_short :: refuses a frequency of 0
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size) * epochs
    return {"end_step": steps // cuts * min(cuts, steps), "frequency": steps // cuts}

# %% steps_and_frequency :: ends with the run :: fails test_steps :: There is no cut at end_step
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size) * epochs
    return {"end_step": steps, "frequency": max(1, steps // cuts)}

# %% steps_and_frequency :: fractions of a step :: fails test_steps, test_steps_short :: it should be a whole number
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size) * epochs
    return {"end_step": steps, "frequency": steps / cuts}

# %% steps_and_frequency :: forgets the epochs :: fails test_steps, test_steps_last_batch, test_steps_short :: a cut in every third
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size)
    frequency = max(1, steps // cuts)
    return {"end_step": frequency * min(cuts, steps), "frequency": frequency}

# %% steps_and_frequency :: ends beyond a short run :: fails test_steps_short :: the last cut would never come
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size) * epochs
    frequency = max(1, steps // cuts)
    return {"end_step": frequency * cuts, "frequency": frequency}

# %% steps_and_frequency :: a pair :: fails test_steps, test_steps_last_batch, test_steps_short :: should return a dict
def steps_and_frequency(images, batch_size, epochs, cuts):
    steps = math.ceil(images / batch_size) * epochs
    frequency = max(1, steps // cuts)
    return frequency * min(cuts, steps), frequency

# %% wrap_layers :: copy, then clone with wrappers :: pass
def wrap_layers(model, names, schedule):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())

    def choose(layer):
        if layer.name in names:
            return toolkit.prune_low_magnitude(layer, schedule)
        return layer

    return tf_keras.models.clone_model(copy, clone_function=choose)

# %% wrap_layers :: new layers, then weight by weight :: pass
def wrap_layers(model, names, schedule):
    def anew(layer):
        fresh = type(layer).from_config(layer.get_config())
        return toolkit.prune_low_magnitude(fresh, pruning_schedule=schedule) if layer.name in names else fresh

    made = tf_keras.models.clone_model(model, clone_function=anew)
    for new, old in zip(made.layers, model.layers):
        new.set_weights(old.get_weights())
    return made

# %% wrap_layers :: a policy of the toolkit :: pass
def wrap_layers(model, names, schedule):
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_policy

    class Named(pruning_policy.PruningPolicy):
        def allow_pruning(self, layer):
            return layer.name in names

        def ensure_model_supports_pruning(self, model):
            pass

    copy = tf_keras.models.clone_model(model)
    for new, old in zip(copy.weights, model.weights):
        new.assign(old)
    return toolkit.prune_low_magnitude(copy, schedule, pruning_policy=Named())

# %% wrap_layers :: without a copy :: fails test_wrap_shares_nothing :: Changing the copy changed the model
def wrap_layers(model, names, schedule):
    def choose(layer):
        return toolkit.prune_low_magnitude(layer, schedule) if layer.name in names else layer

    return tf_keras.models.clone_model(model, clone_function=choose)

# %% wrap_layers :: random weights :: fails test_wrap_answers :: clone_model alone begins with random weights
def wrap_layers(model, names, schedule):
    copy = tf_keras.models.clone_model(model)

    def choose(layer):
        return toolkit.prune_low_magnitude(layer, schedule) if layer.name in names else layer

    return tf_keras.models.clone_model(copy, clone_function=choose)

# %% wrap_layers :: wraps everything :: fails test_wrap :: an entry too many
def wrap_layers(model, names, schedule):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return toolkit.prune_low_magnitude(copy, schedule)

# %% wrap_layers :: wraps the others :: fails test_wrap :: no entry for
def wrap_layers(model, names, schedule):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())

    def choose(layer):
        return layer if layer.name in names else toolkit.prune_low_magnitude(layer, schedule)

    return tf_keras.models.clone_model(copy, clone_function=choose)

# %% wrap_layers :: the default schedule :: fails test_wrap :: Use the schedule you were given
def wrap_layers(model, names, schedule):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())

    def choose(layer):
        return toolkit.prune_low_magnitude(layer) if layer.name in names else layer

    return tf_keras.models.clone_model(copy, clone_function=choose)

# %% wrap_layers :: copies only what it wraps :: fails test_wrap_shares_nothing :: Changing the copy
def wrap_layers(model, names, schedule):
    def choose(layer):
        if layer.name not in names:
            return layer
        return toolkit.prune_low_magnitude(type(layer).from_config(layer.get_config()), schedule)

    made = tf_keras.models.clone_model(model, clone_function=choose)
    for new, old in zip(made.layers, model.layers):
        new.set_weights(old.get_weights())
    return made

# %% wrap_layers :: returns the layers :: fails test_wrap, test_wrap_answers, test_wrap_shares_nothing :: should return a Model of tf_keras
def wrap_layers(model, names, schedule):
    return [toolkit.prune_low_magnitude(layer, schedule) for layer in model.layers if layer.name in names]

# %% strip_and_zip :: multiply, strip, save :: pass
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in getattr(layer, "pruning_vars", []):
            weight.assign(weight * mask)
    toolkit.strip_pruning(wrapped).save(path)
    content = Path(path).read_bytes()
    return {"plain": len(content), "zipped": len(gzip.compress(content))}

# %% strip_and_zip :: the callback applies the masks :: pass
def strip_and_zip(wrapped, path):
    update = toolkit.UpdatePruningStep()
    update.set_model(wrapped)
    update.on_train_begin()
    update.on_epoch_end(0)
    tf_keras.models.save_model(toolkit.strip_pruning(wrapped), path)
    with open(path, "rb") as file:
        packed = len(gzip.compress(file.read(), 9))
    return {"zipped": packed, "plain": Path(path).stat().st_size}

# %% strip_and_zip :: one call applies the masks, a file of gzip :: pass
def strip_and_zip(wrapped, path):
    wrapped(np.zeros((1, *wrapped.input_shape[1:]), "float32"), training=False)
    stripped = toolkit.strip_pruning(wrapped)
    stripped.save(str(path))
    with tempfile.TemporaryDirectory() as place:
        with gzip.open(Path(place) / "z", "wb") as file:
            file.write(Path(path).read_bytes())
        zipped = (Path(place) / "z").stat().st_size
    return dict(plain=len(Path(path).read_bytes()), zipped=zipped)

# %% strip_and_zip :: forgets the masks :: fails test_strip_zeros :: Apply the masks first
def strip_and_zip(wrapped, path):
    toolkit.strip_pruning(wrapped).save(path)
    content = Path(path).read_bytes()
    return {"plain": len(content), "zipped": len(gzip.compress(content))}

# %% strip_and_zip :: saves the wrappers :: fails test_strip, test_strip_zeros, test_zip :: strip the wrappers before you save
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)
    wrapped.save(path)
    content = Path(path).read_bytes()
    return {"plain": len(content), "zipped": len(gzip.compress(content))}

# %% strip_and_zip :: removes small ones too :: fails test_strip, test_strip_zeros :: The masks remove
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask * (np.abs(weight) > 0.05).astype('float32'))
    toolkit.strip_pruning(wrapped).save(path)
    content = Path(path).read_bytes()
    return {"plain": len(content), "zipped": len(gzip.compress(content))}

# %% strip_and_zip :: never writes the file :: fails test_strip, test_zip, test_strip_zeros :: There is no file
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)
    content = b"".join(w.tobytes() for w in toolkit.strip_pruning(wrapped).get_weights())
    return {"plain": len(content), "zipped": len(gzip.compress(content))}

# %% strip_and_zip :: weighs the numbers, not the file :: fails test_zip :: plain is the size of the file
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)
    stripped = toolkit.strip_pruning(wrapped)
    stripped.save(path)
    content = b"".join(w.tobytes() for w in stripped.get_weights())
    return {"plain": len(content), "zipped": len(gzip.compress(content))}

# %% strip_and_zip :: plain twice :: fails test_zip :: zipped should be about
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)
    toolkit.strip_pruning(wrapped).save(path)
    return {"plain": Path(path).stat().st_size, "zipped": Path(path).stat().st_size}

# %% strip_and_zip :: one number :: fails test_strip, test_strip_zeros, test_zip :: should return a dict
def strip_and_zip(wrapped, path):
    for layer in wrapped.layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(weight * mask)
    toolkit.strip_pruning(wrapped).save(path)
    return len(gzip.compress(Path(path).read_bytes()))

# %% prune_and_strip :: of one's own functions :: pass
def prune_and_strip(model, x, y, final, epochs, batch_size):
    plan = steps_and_frequency(len(x), batch_size, epochs, cuts=8)
    schedule = toolkit.PolynomialDecay(0.0, final, begin_step=0, **plan)
    wrapped = wrap_layers(model, [layer.name for layer in model.layers], schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    wrapped.fit(x, y, batch_size, epochs, verbose=0, callbacks=[toolkit.UpdatePruningStep()])
    return toolkit.strip_pruning(wrapped)

# %% prune_and_strip :: everything by hand, a cut in every step :: pass
def prune_and_strip(model, x, y, final, epochs, batch_size):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    steps = -(-len(x) // batch_size) * epochs
    schedule = toolkit.PolynomialDecay(0.0, final, 0, steps, frequency=1)
    wrapped = toolkit.prune_low_magnitude(copy, pruning_schedule=schedule)
    wrapped.compile(tf_keras.optimizers.Adam(), tf_keras.losses.SparseCategoricalCrossentropy())
    update = toolkit.UpdatePruningStep()
    wrapped.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[update])
    return toolkit.strip_pruning(wrapped)

# %% prune_and_strip :: a loop of one's own :: pass
def prune_and_strip(model, x, y, final, epochs, batch_size):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    steps = math.ceil(len(x) / batch_size) * epochs
    wrapped = toolkit.prune_low_magnitude(copy, toolkit.PolynomialDecay(0.0, final, 0, steps, frequency=1))
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    update = toolkit.UpdatePruningStep()
    update.set_model(wrapped)
    update.on_train_begin()
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            wrapped.train_on_batch(x[batch], y[batch])
        update.on_epoch_end(epoch)
    return toolkit.strip_pruning(wrapped)

# %% prune_and_strip :: the default frequency :: fails test_repair, test_repair_short :: should be zero, not 0.0%
def prune_and_strip(model, x, y, final, epochs, batch_size):
    steps = math.ceil(len(x) / batch_size) * epochs
    schedule = toolkit.PolynomialDecay(0.0, final, begin_step=0, end_step=steps)
    wrapped = wrap_layers(model, [layer.name for layer in model.layers], schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    update = toolkit.UpdatePruningStep()
    wrapped.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[update])
    return toolkit.strip_pruning(wrapped)

# %% prune_and_strip :: wraps the model itself :: fails test_repair_original :: changed the array it was given
def prune_and_strip(model, x, y, final, epochs, batch_size):
    plan = steps_and_frequency(len(x), batch_size, epochs, cuts=10)
    schedule = toolkit.PolynomialDecay(0.0, final, begin_step=0, **plan)
    wrapped = toolkit.prune_low_magnitude(model, schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    update = toolkit.UpdatePruningStep()
    wrapped.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[update])
    return toolkit.strip_pruning(wrapped)

# %% prune_and_strip :: a last polish :: fails test_repair, test_repair_short :: should be zero, not
def prune_and_strip(model, x, y, final, epochs, batch_size):
    plan = steps_and_frequency(len(x), batch_size, epochs, cuts=10)
    schedule = toolkit.PolynomialDecay(0.0, final, begin_step=0, **plan)
    wrapped = wrap_layers(model, [layer.name for layer in model.layers], schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    update = toolkit.UpdatePruningStep()
    wrapped.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[update])
    stripped = toolkit.strip_pruning(wrapped)
    stripped.compile("adam", "sparse_categorical_crossentropy")
    stripped.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)
    return stripped

# %% prune_and_strip :: forgets to strip :: fails test_repair, test_repair_short :: There are still wrappers
def prune_and_strip(model, x, y, final, epochs, batch_size):
    plan = steps_and_frequency(len(x), batch_size, epochs, cuts=10)
    schedule = toolkit.PolynomialDecay(0.0, final, begin_step=0, **plan)
    wrapped = wrap_layers(model, [layer.name for layer in model.layers], schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    update = toolkit.UpdatePruningStep()
    wrapped.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[update])
    return wrapped

# %% prune_and_strip :: a frequency of ten for every run :: fails test_repair_short :: should be zero, not
def prune_and_strip(model, x, y, final, epochs, batch_size):
    steps = math.ceil(len(x) / batch_size) * epochs
    schedule = toolkit.PolynomialDecay(0.0, final, begin_step=0, end_step=steps, frequency=10)
    wrapped = wrap_layers(model, [layer.name for layer in model.layers], schedule)
    wrapped.compile("adam", "sparse_categorical_crossentropy")
    update = toolkit.UpdatePruningStep()
    wrapped.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[update])
    return toolkit.strip_pruning(wrapped)

# %% prune_and_strip :: never trains :: fails test_repair_learns :: nothing was trained
def prune_and_strip(model, x, y, final, epochs, batch_size):
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        kernel = layer.kernel.numpy()
        order = np.argsort(np.abs(kernel), axis=None)
        kernel.flat[order[: kernel.size - round(kernel.size * (1 - final))]] = 0
        layer.kernel.assign(kernel)
    return copy

# %% quiz :: right :: pass
{"frequency": "b", "callback": "b", "file": "c", "silent": "c"}

# %% quiz :: step 0 and end_step :: fails test_quiz_frequency :: cut_steps(0, 66, 30, 66)
{"frequency": "c", "callback": "b", "file": "c", "silent": "c"}

# %% quiz :: the callback computes masks :: fails test_quiz_callback :: two moments
{"frequency": "b", "callback": "a", "file": "c", "silent": "c"}

# %% quiz :: weight and mask only :: fails test_quiz_file :: Divide the bytes
{"frequency": "b", "callback": "b", "file": "b", "silent": "c"}

# %% quiz :: no callback is silent :: fails test_quiz_silent :: with a message
{"frequency": "b", "callback": "b", "file": "c", "silent": "a"}
