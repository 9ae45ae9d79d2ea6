"""Latency: what is timed, in which shapes, in which process; never how long it took."""

import sys

import keras
import numpy as np
import pytest

from course_lib.pruning import Latency, Timings, latency, resident_memory
from course_lib.pruning.card.compiled import batch_of, compiled
from course_lib.pruning.card.fresh import in_fresh_process

layers = keras.layers


class Doubled(layers.Layer):
    """A layer that no other process knows."""

    def call(self, x):
        return 2 * x


@pytest.fixture
def two_inputs():
    keras.utils.set_random_seed(0)
    a, b = keras.Input((4,), name="a"), keras.Input((3,), dtype="int32", name="b")
    words = layers.Flatten()(layers.Embedding(9, 2)(b))
    return keras.Model({"a": a, "b": b}, layers.Dense(2)(layers.Concatenate()([Doubled()(a), words])))


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(5, 4)), "b": rng.integers(0, 9, (5, 3))}


def test_examples_are_cut_or_repeated_to_the_batch(x):
    for size in (1, 5, 12):
        batch = batch_of(x, size)
        assert batch["a"].shape == (size, 4) and batch["a"].dtype == np.float32
        assert (batch["b"] == x["b"][np.arange(size) % 5]).all()
    assert batch_of([[1.0, 2.0], [3.0, 4.0]], 3).tolist() == [[1, 2], [3, 4], [1, 2]]


def test_what_is_timed_is_the_answer_of_the_model(two_inputs, x):
    batch = batch_of(x, 7)
    (answer,) = compiled(two_inputs, batch)()
    assert answer == pytest.approx(np.asarray(two_inputs(batch)), abs=1e-6)


def test_models_side_by_side_at_every_size(two_inputs, x):
    found = latency({"one": two_inputs, "same": two_inputs}, x, (1, 4), rounds=3)
    assert {size: {n: s.shape for n, s in t.items()} for size, t in found.items()} == {
        size: {"one": (3,), "same": (3,)} for size in (1, 4)
    }
    assert len(repr(found).splitlines()) == 5 and found._repr_html_().count("<tr>") == 5
    assert list(latency(two_inputs, x, 2, rounds=1)) == [2]


def test_throughput_is_examples_by_the_median():
    found = Latency({32: Timings(a=np.array([0.01, 0.02, 0.9]), b=np.array([0.02, 0.04, 0.9]))})
    assert found.throughput("a", 32) == pytest.approx(1600)
    assert found._repr_html_().count("2.00×") == 1 and "1,600" in repr(found)


def test_one_thread_in_a_process_of_its_own_even_with_layers_it_does_not_know(two_inputs, x):
    found = latency({"one": two_inputs, "same": two_inputs}, x, (1, 3), rounds=2, threads=1)
    assert {size: {n: s.shape for n, s in t.items()} for size, t in found.items()} == {
        size: {"one": (2,), "same": (2,)} for size in (1, 3)
    }
    assert all((seconds > 0).all() for timings in found.values() for seconds in timings.values())


def test_measured_memory_is_that_of_a_model_and_its_activations():
    """8 million weights are 32 MB; their answer to 64 examples of 2,000 numbers takes half a MB or more."""
    wide = keras.Sequential([keras.Input((4000,)), layers.Dense(2000)])
    found = resident_memory(wide, np.ones((1, 4000)), size=64)
    assert 32e6 <= found.loaded < 150e6
    assert 64 * 2000 * 4 <= found.running < 300e6


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"sizes": ()}, "at least one size"),
        ({"sizes": 0}, "at least one example"),
        ({"rounds": 0}, "at least one size"),
        ({"threads": 0}, "at least one size"),
        ({"x": {"a": np.ones((0, 4)), "b": np.ones((0, 3))}}, "at least one example"),
        (
            {"x": {"a": np.ones((2, 5)), "b": np.ones((2, 3))}},
            r"does not take such a batch. Received: \(1, 5\)",
        ),
    ],
)
def test_what_cannot_be_timed_is_a_sentence(two_inputs, x, more, error):
    with pytest.raises(ValueError, match=error):
        latency(two_inputs, **({"x": x} | more))


def test_models_need_names(two_inputs, x):
    with pytest.raises(TypeError, match="Name the models"):
        latency([two_inputs], x)
    with pytest.raises(ValueError, match="at least one model"):
        latency({}, x)


def test_a_process_that_fails_is_a_sentence(two_inputs, x, monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(RuntimeError, match="The process .* stopped. It said: it said nothing"):
        in_fresh_process({"m": two_inputs}, x, (1,), measure="time", rounds=1)
