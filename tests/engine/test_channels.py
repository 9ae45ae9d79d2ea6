"""Coupled channels: what is found, what is frozen and why, and that it is a granularity like the others."""

import keras
import numpy as np
import pytest
from surgery_help import plain, unsettle

from course_lib.models import residual_digits
from course_lib.pruning import (
    Channels,
    GradualPruning,
    apoz,
    bn_scale,
    constant,
    erk,
    geometric_median,
    globally,
    lamp,
    layerwise,
    magnitude,
    make_masks,
    n_of_m,
    per_layer,
    polynomial,
    random,
    taylor,
)

kl, ops = keras.layers, keras.ops


def conv_net(between, size=6, width=8):
    """Two convolutions with something between them, and a head."""
    inputs = keras.Input((size, size, 2))
    x = kl.Conv2D(width, 3, padding="same", name="first")(inputs)
    x = kl.Conv2D(width, 3, padding="same", name="second")(between(x))
    return keras.Model(inputs, kl.Dense(3, name="head")(kl.GlobalAveragePooling2D()(x)))


def groups(model, **kwargs):
    return {g.name: len(g.units) for g in Channels(model, **kwargs).groups.values()}


def test_the_groups_of_the_course_models():
    assert groups(residual_digits()) == {
        "stem_conv + block_1_b_conv": 16,
        "block_1_a_conv": 16,
        "block_2_a_conv": 32,
        "block_2_b_conv + block_2_shortcut_conv + block_3_b_conv": 32,
        "block_3_a_conv": 32,
    }


def test_it_prints_groups_and_says_what_is_frozen_and_why():
    text = str(Channels(residual_digits()))
    assert "Channels of 'R': 5 groups, 128 channels" in text
    assert "  stem_conv + block_1_b_conv, 16 channels, 3 consumers\n" in text
    assert "  digits, 10 channels, 0 consumers: digits: softmax mixes channels; the model's output" in text


def test_masks_cover_every_slice_of_a_removed_channel():
    model = conv_net(lambda x: kl.ReLU()(kl.BatchNormalization(name="norm")(x)))
    masks = make_masks(model, 0.5, random(0), Channels(model), layerwise)
    first, second = (masks[f"{name}/bias"] for name in ("first", "second"))
    assert first.sum() == second.sum() == 4
    for path in ("gamma", "beta", "moving_mean", "moving_variance"):
        assert np.array_equal(masks[f"norm/{path}"], first)
    assert np.array_equal(masks["first/kernel"], np.broadcast_to(first, (3, 3, 2, 8)))
    assert np.array_equal(masks["second/kernel"], np.broadcast_to(first[:, None] & second, (3, 3, 8, 8)))
    assert np.array_equal(masks["head/kernel"], np.broadcast_to(second[:, None], (8, 3)))
    assert "head/bias" not in masks


def test_a_units_score_is_the_mean_over_all_weights_that_make_it():
    inputs = keras.Input((4,))
    a, b = kl.Dense(5, name="a")(inputs), kl.Dense(5, name="b")(kl.Dense(3, name="c")(inputs))
    model = keras.Model(inputs, kl.Dense(2)(a + b))
    scores = magnitude(2)(model)
    units = Channels(model).pool(scores)["a/kernel + b/kernel"]
    stacked = np.concatenate([np.asarray(scores["a/kernel"]), np.asarray(scores["b/kernel"])])
    assert stacked.shape == (7, 5)
    assert units == pytest.approx(stacked.mean(axis=0))


@pytest.mark.parametrize("share", [0.5, 0.99])
@pytest.mark.parametrize("scope", [globally, layerwise, lamp, erk])
def test_every_scope_counts_channels_and_leaves_one_of_each_group(scope, share):
    model = residual_digits()
    channels = Channels(model)
    keep = scope(channels.pool(magnitude()(model)), share)
    assert all(k.any() for k in keep.values())
    assert sum(k.sum() for k in keep.values()) == (64 if share == 0.5 else 5)
    masks = make_masks(model, share, magnitude(), channels, scope)
    for key, group in channels.groups.items():
        assert masks[group.makers[0]].any(axis=(0, 1, 2)).sum() == keep[key].sum()


def test_n_of_m_along_the_channels():
    model = residual_digits()
    masks = make_masks(model, None, granularity=Channels(model), scope=n_of_m(1, 2, axis=-1))
    assert (masks["stem_norm/gamma"].reshape(8, 2).sum(axis=1) == 1).all()


def test_every_criterion():
    model = residual_digits()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 8, 8, 1)).astype("float32"), rng.integers(0, 10, 16)
    criteria = [taylor(x, y), apoz(x), geometric_median(), random(0)]
    for criterion in criteria:
        masks = make_masks(model, 0.5, criterion, Channels(model), layerwise)
        assert masks["stem_norm/gamma"].sum() == 8
    convs = [layer.name for layer in model.layers if isinstance(layer, kl.Conv2D)]
    assert (
        make_masks(model, 0.5, bn_scale(), Channels(model), layerwise, within=convs)["stem_norm/gamma"].sum()
        == 8
    )


def test_budgets_by_the_name_of_any_layer_of_a_group():
    model = residual_digits()
    table = {"block_1_b_conv": 0.75, "block_2_a_conv": 0.5}
    masks = make_masks(model, 0.0, granularity=Channels(model), scope=per_layer(table))
    assert masks["stem_norm/gamma"].sum() == 4
    assert masks["block_2_a_norm/gamma"].sum() == 16
    assert masks["block_3_a_norm/gamma"].all()


def test_within_limits_it_to_the_groups_of_these_layers():
    model = residual_digits()
    masks = make_masks(model, 0.5, granularity=Channels(model), within=["block_1_a_conv"])
    assert masks["block_1_a_norm/gamma"].sum() == 8
    assert masks["block_1_b_conv/kernel"].any(axis=(0, 1, 3)).sum() == 8
    assert "stem_norm/gamma" not in masks


def test_gradual_pruning_removes_channels_step_by_step_and_masks_nest():
    model = plain(residual_digits())
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 8, 8, 1)).astype("float32"), rng.integers(0, 10, 64)
    channels, seen = Channels(model), []

    class Watch(GradualPruning):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if "stem_norm/gamma" in self.masks:  # from the first update on
                seen.append(self.masks["stem_norm/gamma"])

    Watch(constant(0.5))  # it takes the same arguments
    pruning = Watch(polynomial(0.5, end=12), every=4, granularity=channels, scope=layerwise)
    model.fit(x, y, batch_size=16, epochs=4, verbose=0, callbacks=[pruning])
    assert [m.sum() for m in seen] == sorted([m.sum() for m in seen], reverse=True)
    assert len(seen) > 4 and seen[-1].sum() == 8
    assert all(not (late & ~early).any() for early, late in zip(seen, seen[1:], strict=False))
    for path, variable in pruning.masks.variables(model).items():
        if "moving" not in path:
            assert not np.asarray(variable)[~pruning.masks[path]].any(), path


class Gate(kl.Layer):
    """A layer of the user's: a factor for each channel."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor


def test_an_unknown_layer_freezes_what_it_meets_and_is_listed():
    model = conv_net(lambda x: Gate(name="gate")(x))
    assert groups(model) == {"second": 8}
    assert "  first, 8 channels, 0 consumers: gate: no rule for Gate" in str(Channels(model))


def test_a_rule_of_ones_own_takes_two_lines():
    def gate(labels, layer, x):
        labels.weight(layer.factor, [x.axes[-1]])
        return x

    model = conv_net(lambda x: Gate(name="gate")(x))
    assert groups(model, rules={Gate: gate}) == {"first": 8, "second": 8}
    masks = make_masks(model, 0.5, granularity=Channels(model, rules={Gate: gate}), scope=layerwise)
    assert masks["gate/factor"].sum() == 4


def test_a_rule_that_miscounts_is_told_so():
    model = conv_net(lambda x: Gate(name="gate")(x))
    with pytest.raises(ValueError, match="rule for Gate must name.*Received.*'gate'"):
        Channels(model, rules={Gate: lambda labels, layer, x: x.named(-1, labels.fresh(3))})


def test_a_subclass_that_computes_otherwise_has_no_rule():
    class Same(kl.Dense):
        pass

    class Other(kl.Dense):
        def call(self, x):
            return super().call(x)[..., ::-1]

    assert "same" in groups(conv_net(lambda x: Same(8, name="same")(x)))
    assert "other" not in groups(conv_net(lambda x: Other(8, name="other")(x)))


@pytest.mark.parametrize(
    "between, why",
    [
        (lambda x: kl.Softmax()(x), "the softmax over the channels counts all of them"),
        (lambda x: kl.Activation("log_softmax")(x), "log_softmax mixes channels"),
        (lambda x: x[..., ::2], "channels are picked by their number"),
        (lambda x: ops.mean(x, axis=-1, keepdims=True), "it counts all channels"),
        (lambda x: x + np.ones(8, "float32"), "joined with positions that are no channels"),
        (lambda x: kl.Conv2D(4, 3, padding="same")(kl.Permute((1, 3, 2))(x)), "a convolution runs along"),
    ],
)
def test_what_needs_all_channels_freezes_them(between, why):
    channels = Channels(conv_net(between))
    frozen = {g.name: str(g) for g in channels.frozen}
    assert why in frozen["first"]


def test_inputs_joined_with_channels_freeze_them():
    inputs = keras.Input((6, 6, 2))
    model = keras.Model(inputs, kl.Dense(3)(kl.Conv2D(2, 1, name="conv")(inputs) + inputs))
    (group, *_) = Channels(model).frozen
    assert "conv, 2 channels, 1 consumer: the model's input" in str(group)


def test_shared_layers_are_one_group_for_all_their_inputs():
    shared = kl.Dense(6, name="shared")
    inputs = [keras.Input((4,)), keras.Input((4,))]
    hidden = [kl.Dense(5, name=name)(x) for name, x in zip("ab", inputs, strict=True)]
    model = keras.Model(inputs, kl.Dense(2)(kl.Concatenate()([shared(h) for h in hidden])))
    assert groups(model) == {"a + b": 5, "shared": 6}


def test_concatenated_channels_are_coupled_only_where_they_are_added():
    inputs = keras.Input((4,))
    a, b, c = (kl.Dense(n, name=name)(inputs) for name, n in [("a", 2), ("b", 3), ("c", 5)])
    model = keras.Model(inputs, kl.Dense(2)(kl.Concatenate()([a, b]) + c))
    assert groups(model) == {"a + c": 2, "b + c": 3}


@pytest.mark.parametrize(
    "model, error",
    [
        (keras.Sequential([kl.Dense(3)]), "no weights yet"),
        ("a model", "must be a keras.Model"),
    ],
)
def test_what_is_no_built_model_is_refused(model, error):
    with pytest.raises((TypeError, ValueError), match=error):
        Channels(model)


def test_a_model_without_a_graph_is_refused():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = kl.Dense(3)

        def call(self, x):
            return self.dense(x)

    net = Net()
    net(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="Functional or Sequential model. Received: .*Net.*keras.Input"):
        Channels(net)


def test_nothing_to_prune_says_what_is_frozen():
    model = keras.Sequential([keras.Input((4,)), kl.Dense(3, name="only")])
    unsettle(model)
    with pytest.raises(ValueError, match="no channels to prune among only/kernel(.|\n)*the model's output"):
        make_masks(model, 0.5, granularity=Channels(model))
