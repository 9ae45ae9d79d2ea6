"""Models of Keras 2, with the toolkit's wrappers and without, cross as configuration and numbers."""

import json

import numpy as np
import pytest
from checks_help import carried, ends

from autograder.checks.legacy_models import LEGACY
from autograder.checks.wire import Garbage
from course_lib.legacy import tf_keras, tfmot

toolkit, layers = tfmot.sparsity.keras, tf_keras.layers
SCHEDULE = toolkit.PolynomialDecay(0.0, 0.5, 0, 10, frequency=2)
X, Y = np.random.default_rng(0).normal(size=(4, 6)).astype("float32"), np.ones((4, 3), "float32")


def sequential():
    inner = [layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dropout(0.1), layers.Dense(3)]
    return tf_keras.Sequential([tf_keras.Input((6,)), *inner])


def unbuilt():
    return tf_keras.Sequential([layers.Dense(5), layers.Dense(3)])


def functional():
    inputs, twice = tf_keras.Input((6,)), layers.Dense(6)
    both = layers.Concatenate()([twice(twice(inputs)), layers.Dense(2)(inputs)])
    return tf_keras.Model(inputs, [both, both * 2])


def nested():
    inputs = tf_keras.Input((6,))
    return tf_keras.Model(inputs, layers.Dense(3)(wrapped()(sequential()(inputs)[:, :1] + inputs)))


def wrapped(make=sequential, **how):
    return toolkit.prune_low_magnitude(make(), SCHEDULE, **how)


def trained(make=sequential, optimizer="adam"):
    model = make()
    model.compile(optimizer, "mse", metrics=["mae"])
    callbacks = [toolkit.UpdatePruningStep()] if make is wrapped else []
    model.fit(X, Y, verbose=0, callbacks=callbacks)
    return model


MODELS = {
    "sequential": sequential,
    "unbuilt": unbuilt,
    "functional": functional,
    "nested": nested,
    "wrapped": wrapped,
    "in blocks": lambda: wrapped(sparsity_m_by_n=(2, 4)),
    "trained": trained,
    "trained wrapped": lambda: trained(wrapped),
    "an optimizer of before": lambda: trained(optimizer=tf_keras.optimizers.legacy.SGD(0.1, 0.9)),
    "a layer": lambda: layers.Dense(3),
    "a wrapper": lambda: toolkit.prune_low_magnitude(layers.Dense(3), SCHEDULE),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_arrives_with_its_numbers_and_changes_in_both_directions(name):
    near, far = ends()
    model = MODELS[name]()
    found = carried(near, far, model)
    ours, theirs = LEGACY.all_variables(model), LEGACY.all_variables(found)
    assert type(found) is type(model) and len(theirs) >= len(ours)
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=False))
    assert carried(far, near, [found])[0] is model
    for here, there, (a, b) in [(near, far, (ours, theirs)), (far, near, (theirs, ours))]:
        for one in a[:1]:
            one.assign_add(np.ones(one.shape))
        carried(here, there, None)
        assert all(np.array_equal(*pair) for pair in zip(a[:1], b[:1], strict=True))


def test_it_answers_and_trains_on_as_the_original():
    near, far = ends()
    model = trained(wrapped)
    found = carried(near, far, model)
    for one in (model, found):
        one.layers[1].trainable = False  # the order of `weights` is another now
    carried(near, far, None)
    assert np.allclose(found(X), model(X), atol=1e-6)
    found.fit(X, Y, verbose=0, shuffle=False, callbacks=[toolkit.UpdatePruningStep()])
    carried(far, near, None)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), found.get_weights(), strict=True))
    assert int(model.layers[0].pruning_step) == int(found.layers[0].pruning_step) == 2


def test_a_schedule_stays_one_thing_in_all_wrappers():
    near, far = ends()
    schedule, model = carried(near, far, [SCHEDULE, wrapped(sparsity_m_by_n=(2, 4))])
    wrappers = [layer for layer in model.layers if hasattr(layer, "pruning_vars")]
    assert wrappers and all(one.pruning_schedule is schedule for one in wrappers)
    assert all(one.pruning_obj._pruning_schedule is schedule for one in wrappers)
    assert all(one.sparsity_m_by_n == (2, 4) for one in wrappers)
    assert schedule.get_config() == SCHEDULE.get_config()


def test_models_that_share_layers_share_their_numbers():
    near, far = ends()
    model = sequential()
    twin = tf_keras.models.clone_model(model, clone_function=lambda layer: layer)
    first, second = carried(near, far, [model, twin])
    for variable in second.weights:
        variable.assign(0 * variable)
    assert not any(one.any() for one in first.get_weights())


def test_a_new_optimizer_takes_the_place_of_the_old_one():
    near, far = ends()
    model = trained()
    found = carried(near, far, model)
    found.compile(tf_keras.optimizers.SGD(0.1, momentum=0.9), "mae")
    found.train_on_batch(X, Y)
    carried(far, near, None)
    assert isinstance(model.optimizer, tf_keras.optimizers.SGD) and int(model.optimizer.iterations) == 1
    ours, theirs = LEGACY.all_variables(model), LEGACY.all_variables(found)
    assert all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_code_of_one_s_own_stays_at_home():
    class Mine(layers.Dense):
        pass

    class Slow(toolkit.PolynomialDecay):
        pass

    near, far = ends()
    own = [
        tf_keras.Sequential([tf_keras.Input((6,)), Mine(2)]),
        tf_keras.Sequential([tf_keras.Input((6,)), layers.Lambda(lambda x: x)]),
        toolkit.prune_low_magnitude(sequential(), Slow(0.0, 0.5, 0, 9)),
        Slow(0.0, 0.5, 0, 9),
    ]
    assert [type(one) for one in carried(near, far, own)] == [tuple] * 4  # handles


@pytest.mark.parametrize(
    "change",
    [
        {"module": "os", "class_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"class_name": "Lambda"},
    ],
)
def test_a_forged_configuration_is_refused(change):
    near, far = ends()
    message = far.pack(layers.Dense(3))
    [(kind, state)] = message["things"].values()
    state["config"] = json.loads(json.dumps(state["config"])) | change
    with pytest.raises(Garbage):
        near.unpack(message)
