"""The TensorFlow Model Optimization toolkit as an independent oracle."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_lib.pruning import GradualPruning, layerwise, make_masks, polynomial

tfmot = pytest.importorskip("tensorflow_model_optimization")
tf_keras = pytest.importorskip("tf_keras")
TFMOT_RULE = partial(layerwise, ties="keep")


def their_mask(weights, sparsity):
    """The toolkit's own mask update, on one tensor."""
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl

    weight, mask, threshold = tf.Variable(weights), tf.Variable(np.ones_like(weights)), tf.Variable(0.0)
    schedule = tfmot.sparsity.keras.ConstantSparsity(sparsity, 0)
    update = pruning_impl.Pruning(lambda: 0, [(weight, mask, threshold)], schedule, (1, 1), "AVG")
    update.conditional_mask_update()
    return mask.numpy().astype(bool)


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 24), min_size=2, max_size=4),
    st.floats(0, 0.999),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.booleans(),
    st.integers(0, 99),
)
def test_the_same_mask_for_the_same_weights(shape, sparsity, zeros, ties, seed):
    rng = np.random.default_rng(seed)
    weights = (rng.normal(size=shape) * (rng.random(shape) >= zeros)).astype("float32")
    weights = np.round(weights * 4) / 4 if ties else weights
    # tfmot computes the count in float32: next to a half it may round the other way (see `survivors`).
    assume(abs(weights.size * (1 - sparsity) % 1 - 0.5) > 1e-3)
    ours = TFMOT_RULE({"w": np.abs(weights)}, sparsity)["w"]
    assert np.array_equal(ours, their_mask(weights, sparsity))


def test_a_whole_pruned_training_weight_for_weight(net, data):
    """12 steps of SGD with two mask updates, at their steps 5 and 10, which count from 1: after 4 and 9
    updates. Masks are compared after every step, weights at the end."""
    ours = net("sgd")
    theirs = tf_keras.Sequential(
        [tf_keras.layers.Dense(16, "relu", input_shape=(8,)), tf_keras.layers.Dense(3, "softmax")]
    )
    theirs.set_weights(ours.get_weights())
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.75, begin_step=0, end_step=10, frequency=5)
    theirs = tfmot.sparsity.keras.prune_low_magnitude(theirs, schedule)
    theirs.compile("sgd", "sparse_categorical_crossentropy")
    their_masks, our_masks = [], []

    def note_theirs(batch, logs):
        their_masks.append([layer.pruning_vars[0][1].numpy() != 0 for layer in theirs.layers])

    def note_ours(batch, logs):
        our_masks.append(list(pruning.masks.values()))

    update = tfmot.sparsity.keras.UpdatePruningStep()
    note = tf_keras.callbacks.LambdaCallback(on_batch_end=note_theirs)
    theirs.fit(*data, batch_size=8, shuffle=False, verbose=0, callbacks=[update, note])
    cubic = polynomial(0.75, end=10)
    pruning = GradualPruning(lambda step: cubic((step + 1) // 5 * 5), scope=TFMOT_RULE)
    note = keras.callbacks.LambdaCallback(on_train_batch_end=note_ours)
    ours.fit(*data, batch_size=8, shuffle=False, verbose=0, callbacks=[pruning, note])
    assert [step for step, _ in pruning.log] == [0, 4, 9]
    for our, their in zip(our_masks[:-1], their_masks[1:], strict=True):
        assert all(map(np.array_equal, our, their))
    stripped = tfmot.sparsity.keras.strip_pruning(theirs).get_weights()
    for our, their in zip(ours.get_weights(), stripped, strict=True):
        assert np.array_equal(our == 0, their == 0)
        assert our == pytest.approx(their, abs=1e-5)


def test_where_they_prune_nothing_silently_we_warn(net, data):
    with pytest.warns(UserWarning, match="prunes nothing"):
        net_args = dict(
            batch_size=8, verbose=0, callbacks=[GradualPruning(polynomial(0.8, begin=50, end=99))]
        )
        net().fit(*data, **net_args)


def test_exact_counts_where_ties_make_them_keep_too_many():
    ties = np.ones((10, 10), "float32")
    assert their_mask(ties, 0.8).sum() == 100
    assert layerwise({"w": ties}, 0.8)["w"].sum() == 20


def test_one_call_gives_their_masks_for_a_model(net):
    model = net()
    masks = make_masks(model, 0.8, scope=TFMOT_RULE)
    for path, variable in masks.variables(model).items():
        assert np.array_equal(masks[path], their_mask(np.asarray(variable), 0.8))
