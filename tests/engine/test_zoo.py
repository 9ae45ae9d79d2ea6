"""GradualPruning on every kind of layer and every shape of model, to the last weight."""

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    GradualPruning,
    held_masks,
    layerwise,
    make_masks,
    named_variables,
    polynomial,
    prunable_variables,
    skipped,
    sparsity,
    survivors,
)

layers = keras.layers
RNG = np.random.default_rng(0)


def spatial():
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(6, 3, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(layers.PReLU()(x))
    x = layers.SeparableConv2D(8, 3, padding="same", name="separable")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, name="transpose")(layers.GroupNormalization(2)(x))
    x = layers.Conv2D(4, 3, groups=2, name="grouped")(x)
    outputs = layers.Dense(3, name="head")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs), RNG.normal(size=(32, 8, 8, 4)), RNG.normal(size=(32, 3))


def sequential_data():
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, name="embedding")(inputs)
    x = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = layers.LayerNormalization()(layers.EinsumDense("abc,cd->abd", (None, 8), name="einsum")(x))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True, name="lstm"), name="both")(x)
    x = layers.GRU(5, name="gru")(layers.Conv1D(6, 2, name="conv")(x))
    return keras.Model(inputs, layers.Dense(3)(x)), RNG.integers(0, 20, (32, 6)), RNG.normal(size=(32, 3))


def nested_and_shared():
    """A Sequential in a Functional model in another, used twice, and a layer used twice beside it."""
    block = keras.Sequential([keras.Input((8,)), layers.Dense(8, "relu", name="a")], name="block")
    inputs = keras.Input((8,))
    inner = keras.Model(inputs, layers.Dense(8, name="a")(block(block(inputs))), name="inner")
    shared, inputs = layers.Dense(8, "relu", name="shared"), keras.Input((8,))
    outputs = layers.Dense(3, name="a")(shared(layers.add([inner(shared(inputs)), inner(inputs)])))
    return keras.Model(inputs, outputs), RNG.normal(size=(32, 8)), RNG.normal(size=(32, 3))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem, self.blocks = layers.Dense(8, "relu"), [layers.Dense(8, name=f"b{i}") for i in range(2)]
        self.frozen, self.head = layers.Dense(8, trainable=False), layers.Dense(3)

    def call(self, inputs, training=False):
        x = self.frozen(self.stem(inputs))
        for block in self.blocks:
            x = x + keras.ops.relu(block(x))
        return self.head(x)


def subclassed():
    x = RNG.normal(size=(32, 8)).astype("float32")
    model = Subclassed()
    model(x)
    return model, x, RNG.normal(size=(32, 3))


def several_inputs_and_outputs():
    left, right = keras.Input((4,), name="left"), keras.Input((6,), name="right")
    x = layers.Concatenate()([layers.Dense(8, "relu")(left), layers.Dense(8, "relu")(right)])
    outputs = {"one": layers.Dense(3, name="first")(x), "two": layers.Dense(2, name="second")(x)}
    inputs = {"left": RNG.normal(size=(32, 4)), "right": RNG.normal(size=(32, 6))}
    targets = {"one": RNG.normal(size=(32, 3)), "two": RNG.normal(size=(32, 2))}
    return keras.Model({"left": left, "right": right}, outputs), inputs, targets


MODELS = [spatial, sequential_data, nested_and_shared, subclassed, several_inputs_and_outputs]


@pytest.mark.parametrize("build", MODELS)
def test_the_final_sparsity_is_exact_and_the_rest_trains(build):
    keras.utils.set_random_seed(0)
    model, x, y = build()
    losses = {name: "mse" for name in y} if isinstance(y, dict) else "mse"
    model.compile(keras.optimizers.Adam(0.01), losses, jit_compile=False)  # XLA: see the grid below
    frozen = {path: np.asarray(v) for path, v in named_variables(model).items() if not v.trainable}
    pruning = GradualPruning(polynomial(0.75, begin=1, end=7), every=2)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[pruning])
    weights = {path: np.asarray(v) for path, v in prunable_variables(model).items()}
    total = sum(w.size for w in weights.values())
    assert sum(map(np.count_nonzero, weights.values())) == survivors(total, 0.75)
    assert pruning.log[-1] == (7, sparsity(model))
    for path, mask in pruning.masks.items():
        assert mask.any() and np.array_equal(weights[path] != 0, mask), path
        if path in frozen:
            assert np.array_equal(weights[path], frozen[path] * mask)
    assert held_masks(model).keys() == weights.keys()


@pytest.mark.parametrize("build", MODELS)
def test_every_weight_is_prunable_or_listed_with_a_reason(build):
    model, *_ = build()
    spared = skipped(model)
    assert not spared.keys() & prunable_variables(model).keys()
    assert spared.keys() | prunable_variables(model).keys() == named_variables(model).keys()
    assert all(spared.values())


def test_the_reasons():
    model = keras.Sequential([keras.Input((6, 4)), layers.Dense(8, name="d"), layers.PReLU(name="p")])
    model.add(layers.LayerNormalization(axis=(1, 2), name="n"))
    model.add(layers.Dense(8, name="q"))
    model.add(layers.Dense(8, name="lora"))
    model.get_layer("q").quantize("int8")
    model.get_layer("lora").enable_lora(2)
    spared = skipped(model)
    assert spared["d/bias"] == "bias"
    assert spared["p/alpha"] == "slope of an activation"
    assert spared["n/gamma"] == spared["n/beta"] == "normalisation or scale"
    assert spared["q/kernel"] == "quantized to int8: prune before"
    assert spared["lora/kernel"].startswith("frozen by LoRA")
    assert spared["lora/lora_kernel_a"] == "LoRA"
    assert list(make_masks(model, 0.5)) == ["d/kernel"]


def test_state_and_vectors_are_listed():
    class Mine(keras.Layer):
        def build(self, shape):
            self.vector = self.add_weight(shape=(shape[-1],), name="vector")
            self.memory = self.add_weight(shape=(3, 3), trainable=False, name="memory")
            self.count = self.add_weight(shape=(3, 3), dtype="int32", trainable=False, name="count")

        def call(self, x):
            return x * self.vector

    model = keras.Sequential([keras.Input((4,)), Mine(name="mine")], name="strange")
    assert skipped(model) == {
        "mine/vector": "fewer than two axes",
        "mine/memory": "state, not trained",
        "mine/count": "int32, not real numbers",
    }
    with pytest.raises(ValueError, match="nothing to prune.*'mine/vector': fewer than two axes"):
        make_masks(model, 0.5)


def test_a_fully_quantized_model_says_when_to_prune():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="d")])
    model.quantize("int8")
    with pytest.raises(ValueError, match="nothing to prune.*'d/kernel': quantized to int8: prune before"):
        make_masks(model, 0.5)


# Every value of every column at least once with two of every other; the rest is luck.
SGD = {"momentum": 0.9, "nesterov": True, "clipnorm": 1.0}
GRID = [
    ("Adam", {}, 1, None, "mixed_float16", True),
    ("Adam", {"use_ema": True, "ema_momentum": 0.5}, 3, 2, "mixed_float16", "auto"),
    ("SGD", SGD, 3, None, "float32", True),
    ("SGD", SGD | {"clipnorm": None, "use_ema": True}, 1, 2, "mixed_bfloat16", False),
    ("AdamW", {"weight_decay": 0.1, "global_clipnorm": 0.5}, 4, 2, "mixed_bfloat16", True),
    (
        "AdamW",
        {"weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 3},
        1,
        None,
        "float32",
        False,
    ),
    ("Lion", {"weight_decay": 0.1}, 4, None, "mixed_float16", False),
    ("Muon", {}, 3, 2, "float32", "auto"),
    ("RMSprop", {"momentum": 0.9, "centered": True}, 4, 2, "float32", False),
    ("Adafactor", {"clipvalue": 0.5}, 3, None, "mixed_bfloat16", "auto"),
]


@pytest.mark.parametrize("name, options, per_execution, accumulate, policy, jit", GRID)
@pytest.mark.filterwarnings("ignore:.*gradient.*")
def test_whatever_trains_zeros_are_zeros(data, name, options, per_execution, accumulate, policy, jit):
    keras.utils.set_random_seed(0)
    body = [layers.Dense(16, "relu", dtype=policy), layers.Dense(3, dtype=policy)]
    model = keras.Sequential([keras.Input((8,)), *body, layers.Softmax(dtype="float32")])
    optimizer = getattr(keras.optimizers, name)(0.01, gradient_accumulation_steps=accumulate, **options)
    compile_args = {"steps_per_execution": per_execution, "jit_compile": jit}
    model.compile(optimizer, "sparse_categorical_crossentropy", **compile_args)
    pruning = GradualPruning(polynomial(0.75, end=10), every=3, scope=layerwise)

    class Check(keras.callbacks.Callback):
        seen = []

        def on_epoch_end(self, epoch, logs=None):
            for path, variable in pruning.masks.variables(self.model).items():
                assert not np.asarray(variable)[~pruning.masks[path]].any()
            Check.seen.append(sparsity(self.model))

    before = [np.asarray(v) for v in prunable_variables(model).values()]
    model.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[pruning, Check()])
    assert len(Check.seen) == 2 and Check.seen[-1] == sparsity(model) == 0.75
    for path, was in zip(pruning.masks, before, strict=True):
        now = np.asarray(prunable_variables(model)[path])
        assert (now[pruning.masks[path]] != was[pruning.masks[path]]).any(), "it trained"


def test_an_optimizer_for_each_layer(data):
    """A MultiOptimizer, one of whose parts averages."""
    keras.utils.set_random_seed(0)
    stack = [layers.Dense(16, "relu", name="first"), layers.Dense(3, "softmax", name="last")]
    model = keras.Sequential([keras.Input((8,)), *stack])
    first = keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5)
    each = keras.optimizers.OptimizerMap(default_optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
    each[".*first/.*"] = first
    model.compile(keras.optimizers.MultiOptimizer(each), "sparse_categorical_crossentropy")
    pruning = GradualPruning(polynomial(0.75, end=10), every=3)
    model.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[pruning])
    assert first._model_variables_moving_average and sparsity(model) == 0.75
    model.fit(*data, batch_size=8, verbose=0)
    assert sparsity(model) == 0.75
