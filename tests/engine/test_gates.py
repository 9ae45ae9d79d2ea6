"""Each gate by its formula: NumPy, hand-computed gradients, Monte Carlo."""

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    Attention,
    Block,
    Channel,
    Element,
    HardConcrete,
    LearnedMasks,
    LearnedThreshold,
    Sigmoid,
    StraightThrough,
    globally,
    layerwise,
    magnitude,
    polynomial,
    random,
)


def weights_of(learned):
    return {p: np.asarray(v) for p, v in zip(learned.gating.paths, learned.gating.gated, strict=True)}


@pytest.mark.parametrize("by_layer, scope", [(False, globally), (True, layerwise)])
@pytest.mark.parametrize("granularity", [Element(), Channel(), Block(3, 5)])
@pytest.mark.parametrize("sparsity", [0.0, 0.6, 0.99])
def test_straight_through_keeps_what_the_scope_keeps(net, by_layer, scope, granularity, sparsity):
    gate = StraightThrough(sparsity, random(3), layerwise=by_layer)
    learned = LearnedMasks(net(), gate, granularity)
    units = learned.gating.units
    expected = scope(units.named(np.asarray(gate.scores)), sparsity)
    for name, gates in learned.gates().items():
        np.testing.assert_array_equal(gates, expected[name])
    masks = learned.masks()
    assert all(np.array_equal(m, units.expand(units.row(expected))[p]) for p, m in masks.items())


def test_no_layer_dies_however_small_its_scores(net):
    def biased(model):
        return {p: s * (1e-6 if "last" in p else 1) for p, s in magnitude()(model).items()}

    masks = LearnedMasks(net(), StraightThrough(0.9, biased)).masks()
    assert masks["last/kernel"].sum() == 1 and sum(m.sum() for m in masks.values()) == 18


def test_the_gradient_of_a_score_is_the_gated_weights_gradient_times_the_weight(net):
    """For y = x · (w ∘ m), ∂L/∂s = ∂L/∂w' ∘ w with w' = w ∘ m, also where m = 0; ∂L/∂w = ∂L/∂w' ∘ m."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, use_bias=False, name="only")])
    w = np.asarray(model.layers[0].kernel).copy()
    gate = StraightThrough(0.5)
    learned = LearnedMasks(model, gate)
    scores, mask = np.asarray(gate.scores).reshape(4, 3).copy(), learned.masks()["only/kernel"]
    learned.compile(keras.optimizers.SGD(1.0), "mse")
    x, y = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    y = y[:, :3]
    learned.fit(x, y, batch_size=5, verbose=0)
    by_gated = x.T @ (2 * (x @ (w * mask) - y) / y.size)
    np.testing.assert_allclose(scores - np.asarray(gate.scores).reshape(4, 3), by_gated * w, atol=1e-5)
    np.testing.assert_allclose(w - np.asarray(model.layers[0].kernel), by_gated * mask, atol=1e-5)


def test_the_score_of_a_channel_collects_its_weights():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, use_bias=False)])
    gate = StraightThrough(0.4, rate=2)
    learned = LearnedMasks(model, gate, Channel(), train_weights=False)
    w, before = np.asarray(model.layers[0].kernel), np.asarray(gate.scores).copy()
    learned.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: keras.ops.sum(p, axis=-1))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    learned.fit(x, np.zeros(5), batch_size=5, verbose=0)
    by_gated = np.repeat(x.mean(axis=0)[:, None], 3, axis=1)
    np.testing.assert_allclose(before - gate.scores, 2 * (by_gated * w).sum(axis=0), atol=1e-5)
    np.testing.assert_array_equal(w, model.layers[0].kernel)


def hard_concrete(u, log_alpha):
    s = 1 / (1 + np.exp(-(np.log(u) - np.log(1 - u) + log_alpha) / (2 / 3)))
    return np.clip(s * 1.2 - 0.1, 0, 1)


@pytest.mark.parametrize("log_alpha", [-2.0, 0.0, 1.5])
def test_hard_concrete_opens_as_often_as_its_formula_says(log_alpha):
    model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(200, use_bias=False)])
    gate = HardConcrete(0.7, start=log_alpha, seed=1)
    learned = LearnedMasks(model, gate)
    drawn = np.asarray(gate({}, step=0, training=True))
    assert drawn.min() == 0 and drawn.max() == 1, "with true zeros and ones"
    expected = float(gate.open(np.float32(log_alpha)))
    assert abs((drawn > 0).mean() - expected) < 4 * 0.5 / np.sqrt(drawn.size)
    by_numpy = hard_concrete(np.random.default_rng(0).uniform(1e-6, 1 - 1e-6, 20000), log_alpha)
    assert abs(drawn.mean() - by_numpy.mean()) < 0.02
    assert not np.array_equal(drawn, gate({}, step=0, training=True))
    sure = np.asarray(gate({}, step=0))
    np.testing.assert_allclose(sure, np.clip(1.2 / (1 + np.exp(-log_alpha)) - 0.1, 0, 1), atol=1e-6)
    learned(np.zeros((1, 100)))
    assert float(sum(learned.losses)) == pytest.approx(0.7 * expected, rel=1e-5)


def test_the_expected_l0_counts_weights_not_units():
    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(1), keras.layers.Dense(1)])
    gate = HardConcrete(1.0, rate=1)
    learned = LearnedMasks(model, gate, Channel())
    gate.log_alpha.assign([-50.0, 50.0])
    learned(np.zeros((1, 9)))
    assert float(sum(learned.losses)) == pytest.approx(1 / 10)
    assert list(np.concatenate(list(learned.gates().values()))) == [0, 1]


def test_learned_threshold_is_the_soft_threshold_of_numpy(net):
    learned = LearnedMasks(net(), LearnedThreshold(1.0, rate=1))
    learned.gating.gate.depth.assign([-2.0, -1.0])
    gates = learned.gates()
    for (path, w), s in zip(weights_of(learned).items(), [-2.0, -1.0], strict=True):
        expected = np.sign(w) * np.maximum(abs(w) - 1 / (1 + np.exp(-s)), 0)
        np.testing.assert_allclose(w * gates[path], expected, atol=1e-6)
        assert (gates[path] == 0).any() and (gates[path] > 0).any()


def test_learned_threshold_for_channels_compares_their_root_mean_square(net):
    learned = LearnedMasks(net(), LearnedThreshold(1.0, rate=1), Channel())
    learned.gating.gate.depth.assign([-1.3, -9.0])
    w = weights_of(learned)["first/kernel"]
    size, t = np.sqrt((w**2).mean(axis=0)), 1 / (1 + np.exp(1.3))
    np.testing.assert_allclose(learned.gates()["first/kernel"], np.maximum(1 - t / size, 0), atol=1e-5)


def test_attention_is_softmax_of_query_times_key(net):
    gate = Attention(0.5, rate=1)
    learned = LearnedMasks(net(), gate, Channel())
    assert all((g == 1).all() for g in learned.gates().values()), "no query, no preference"
    rng = np.random.default_rng(0)
    gate.queries.assign(rng.normal(size=8 + 16))
    queries, entropies = np.split(np.asarray(gate.queries), [8]), []
    for (path, w), q in zip(weights_of(learned).items(), queries, strict=True):
        z = q @ (w / np.sqrt((w**2).mean())) / np.sqrt(len(q))
        share = np.exp(z) / np.exp(z).sum()
        np.testing.assert_allclose(learned.gates()[path], len(z) * share, rtol=1e-4)
        entropies.append(-(share * np.log(share)).sum() / np.log(len(z)))
    learned(np.zeros((1, 8)))
    assert float(sum(learned.losses)) == pytest.approx(0.5 * np.mean(entropies), rel=1e-4)


def test_attention_needs_something_to_attend_to(net):
    with pytest.raises(ValueError, match="several weights"):
        LearnedMasks(net(), Attention(1.0))


def test_sigmoid_gates_cost_their_mean(net):
    gate = Sigmoid(2.0, start=0.5)
    learned = LearnedMasks(net(), gate)
    learned(np.zeros((1, 8)))
    expected = 1 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(learned.gates()["first/kernel"], expected, rtol=1e-5)
    assert float(sum(learned.losses)) == pytest.approx(2 * expected, rel=1e-5)


@pytest.mark.parametrize("make", [HardConcrete, LearnedThreshold, Sigmoid, Attention])
@pytest.mark.parametrize("strength", [float("nan"), -1.0])
def test_a_strength_is_a_number_above_zero(make, strength):
    with pytest.raises(ValueError, match=f"Received: {strength}"):
        make(strength)


def test_a_sparsity_is_a_share_and_a_schedule_ends(net):
    with pytest.raises(ValueError, match="Did you mean 0.9"):
        StraightThrough(90)
    with pytest.raises(ValueError, match="must come to an end"):
        LearnedMasks(net(), StraightThrough(lambda step: step / 1e30))
    with pytest.raises(ValueError, match="must be in"):
        LearnedMasks(net(), StraightThrough(lambda step: 2.0))
    assert len(_kept(net, polynomial(0.5, end=10))) >= 11


def _kept(net, schedule):
    gate = StraightThrough(schedule)
    LearnedMasks(net(), gate)
    return gate.kept
