"""Networks with exits: built beside the trunk, counted by hand."""

import keras
import numpy as np
import pytest

from course_lib.pruning import add_exits, certainty, exit_costs, make_masks, top_probability
from course_lib.pruning.exits import distributions

layers = keras.layers


def cnn():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(name="cnn")
    model.add(keras.Input((6, 6, 2)))
    model.add(layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(8, activation="relu", name="hidden"))
    model.add(layers.Dense(3, activation="softmax", name="last"))
    return model


def test_the_costs_are_those_of_the_layers_on_the_way():
    model = add_exits(cnn(), ["conv", "hidden"])
    conv, first, hidden, second, last = 36 * 9 * 2 * 4, 144 * 3, 144 * 8, 8 * 3, 8 * 3
    assert list(exit_costs(model)) == [
        conv + first,
        conv + first + hidden + second,
        conv + first + hidden + second + last,
    ]


def test_masked_weights_cost_nothing():
    model = add_exits(cnn(), ["conv"])
    masks = make_masks(model, 0.5, within=["hidden"])
    assert list(exit_costs(model) - exit_costs(model, masks)) == [0, 144 * 8 / 2]


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_the_trunk_is_a_copy_and_the_old_end_the_last_output(kind):
    model = cnn()
    if kind == "functional":
        model = keras.Model(model.inputs[0], model.outputs[0])
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 2))
    exits = add_exits(model, ["conv", "flatten"])  # a head has a Flatten of its own
    np.testing.assert_array_equal(exits(x)[-1], model(x))
    exits.compile("sgd", ["sparse_categorical_crossentropy"] * 3)
    before = np.asarray(model(x))
    exits.fit(x, [np.zeros(5)] * 3, verbose=0)
    assert (np.asarray(exits(x)[-1]) != before).any()
    np.testing.assert_array_equal(model(x), before)


def test_a_head_of_ones_own():
    def head(features):
        return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(features))

    model = add_exits(cnn(), "conv", head)
    assert exit_costs(model)[0] == 36 * 9 * 2 * 4 + 4 * 3


def test_confidence_from_no_idea_to_certain():
    even, sure, between = np.full(4, 0.25), np.array([0, 1.0, 0, 0]), np.array([0.5, 0.5, 0, 0])
    probabilities = np.stack([even, sure, between])
    np.testing.assert_allclose(certainty(probabilities), [0, 1, 0.5], atol=1e-12)
    np.testing.assert_allclose(top_probability(probabilities), [0.25, 1, 0.5])


def test_one_unit_is_two_classes_and_logits_are_refused():
    np.testing.assert_allclose(distributions([[0.3]]), [[0.7, 0.3]])
    for bad in ([[2.0, -1.0]], [[0.5, 0.2]], [[np.nan, 1.0]], [[1.7]]):
        with pytest.raises(ValueError, match="must give probabilities.*Received"):
            distributions(bad)


def test_models_and_layers_that_cannot_have_exits():
    with pytest.raises(ValueError, match="one output. Received"):
        add_exits(add_exits(cnn(), ["conv"]), ["conv"])
    with pytest.raises(ValueError, match="No such layer: nothing"):
        add_exits(cnn(), ["nothing"])
    with pytest.raises(ValueError, match="at least one layer"):
        add_exits(cnn(), [])
