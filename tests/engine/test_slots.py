"""forget: what is forgotten is as in a new optimizer, what is not stays, for every optimizer of Keras."""

import keras
import numpy as np
import pytest

from course_lib.pruning.slots import forget

optimizers = keras.optimizers
PLAIN = {
    name: getattr(optimizers, name)
    for name in (
        "Adadelta Adagrad Adam Adamax AdamW Ftrl Lamb Lion Nadam RMSprop SGD ScheduleFreeAdamW Adafactor Muon"
    ).split()
}
MAKERS = {
    **PLAIN,
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "centred": lambda: optimizers.RMSprop(0.01, momentum=0.9, centered=True),
    "averaging and accumulating": lambda: optimizers.Adam(use_ema=True, gradient_accumulation_steps=4),
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam()),
    "multi": lambda: optimizers.MultiOptimizer(_chooser()),
}


def _chooser():
    adam, ftrl = optimizers.Adam(), optimizers.Ftrl()
    return lambda variable: ftrl if tuple(variable.shape) == (16, 3) else adam


def variables_of(optimizer):
    return {i: np.array(v) for i, v in enumerate(optimizer.variables)}


@pytest.mark.parametrize("name", MAKERS)
def test_exactly_these_weights_are_as_new(net, data, name):
    model = net(MAKERS[name]())
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    new = variables_of(optimizer)
    if name == "ScheduleFreeAdamW":  # its memory starts as a copy of the weight, and a grown weight is 0
        new = {i: 0 * v for i, v in new.items()}
    model.fit(*data, batch_size=16, verbose=0)
    for layer in ("first", "last"):
        variable, before = model.get_layer(layer).kernel, variables_of(optimizer)
        where = np.random.default_rng(0).random(variable.shape) < 0.3
        forget(optimizer, variable, where)
        changed = 0
        for i, now in variables_of(optimizer).items():
            if np.array_equal(now, before[i]):
                continue
            changed += 1
            assert now.shape == where.shape, optimizer.variables[i].path
            assert np.array_equal(now[where], new[i][where]) and np.array_equal(
                now[~where], before[i][~where]
            )
        assert changed == sum(v.shape == where.shape for v in before.values())
        assert changed or name == "SGD"


def test_nothing_to_forget(net, data):
    """Before the first step, and for a weight that is not trained."""
    model = net()
    forget(model.optimizer, model.get_layer("first").kernel, np.ones((8, 16), bool))
    model.get_layer("first").trainable = False
    model.compile("adam", model.loss)
    model.fit(*data, verbose=0)
    before = variables_of(model.optimizer)
    forget(model.optimizer, model.get_layer("first").kernel, np.ones((8, 16), bool))
    assert all(np.array_equal(before[i], v) for i, v in variables_of(model.optimizer).items())


def test_layers_of_one_shape_are_told_apart(data):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), *(keras.layers.Dense(8, name=n) for n in "abc")])
    model.compile("adam", "mse")
    model.fit(data[0], data[0], verbose=0)
    forget(model.optimizer, model.get_layer("b").kernel, np.ones((8, 8), bool))
    matrices = [np.array(v) for v in model.optimizer.variables if tuple(v.shape) == (8, 8)]
    assert len(matrices) == 6 and sum(not m.any() for m in matrices) == 2
    memory = model.optimizer._momentums[2], model.optimizer._velocities[2]
    assert not any(np.asarray(m).any() for m in memory)
