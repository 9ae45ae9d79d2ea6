"""Criteria without derivatives of their own: magnitude, random, and what draws anew when asked."""

import keras
import numpy as np
import pytest

from course_lib.pruning import gradient, magnitude, make_masks, prunable_variables, random, sampled


def same(a, b):
    return list(a) == list(b) and all(np.array_equal(a[path], b[path]) for path in a)


def test_magnitude_is_the_power_of_the_size(net):
    model = net()
    for path, v in prunable_variables(model).items():
        assert magnitude()(model)[path] == pytest.approx(np.abs(v))
        assert magnitude(2)(model)[path] == pytest.approx(np.asarray(v) ** 2)


def test_random_draws_the_same_at_every_call_and_another_when_asked_anew(net):
    model, criterion = net(), random(3)
    assert same(criterion(model), criterion(model)) and same(criterion(model), random(3)(model))
    draws = [criterion.anew(k) for k in (1, 2)] + [random(4).anew(1), criterion]
    for i, one in enumerate(draws):
        assert same(one(model), one(model))
        assert all(not same(one(model), other(model)) for other in draws[:i])
        assert all((0 <= s).all() and (s < 1).all() for s in one(model).values())
    assert same(criterion.anew(5)(model), random(3).anew(5)(model)), "a function of seed and k alone"


def test_the_draws_of_random_are_those_of_its_seed(net):
    """Masks that a lesson shows must not change from one version to the next."""
    draw, model = np.random.default_rng(3), net()
    wanted = {p: draw.random(v.shape, np.float32) for p, v in prunable_variables(model).items()}
    assert same(random(3)(model), wanted)


def test_sampled_looks_at_some_examples_and_at_others_when_asked_anew(net, data):
    model, criterion = net(), sampled(gradient, *data, 8, seed=1)
    seen = []

    def spy(x, y):
        seen.append((x, y))
        return gradient(x, y)

    for k in range(3):
        sampled(spy, *data, 8, seed=1).anew(k)(model)
    for x, y in seen:
        rows = [int(np.flatnonzero((data[0] == row).all(axis=1))[0]) for row in x]
        assert len(set(rows)) == 8, "without putting back"
        assert np.array_equal(data[1][rows], y), "x and y stay together"
    assert not np.array_equal(seen[1][0], seen[2][0])
    assert same(criterion(model), criterion(model))
    assert same(criterion.anew(2)(model), gradient(*seen[2])(model))
    assert make_masks(model, 0.5, criterion).sparsity == 0.5


def test_sampled_of_several_inputs_and_of_fewer_examples_than_asked_for(net, data):
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    model = keras.Model({"a": a, "b": b}, keras.layers.Dense(3)(keras.layers.add([a, b])))
    model.compile("sgd", "mse")
    x, y = {"a": data[0], "b": -data[0]}, np.eye(3)[data[1]]
    assert all(np.isfinite(s).all() for s in sampled(gradient, x, y, 10)(model).values())
    every, whole = sampled(gradient, *data, 1000)(net()), gradient(*data)(net())
    assert all(every[p] == pytest.approx(whole[p], abs=1e-7) for p in whole)


@pytest.mark.parametrize("size", [0, -1])
def test_no_examples_to_sample(data, size):
    with pytest.raises(ValueError, match="size must be at least 1 example. Received"):
        sampled(gradient, *data, size)


def test_sampled_from_data_that_do_not_fit(net, data):
    with pytest.raises(ValueError, match="same number of examples"):
        sampled(gradient, data[0], data[1][:5], 8)(net())
