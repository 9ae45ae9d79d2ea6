"""Distilling a pruned student: its zeros stay, the teacher stays as it is, a plain model comes out."""

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    GradualPruning,
    Masks,
    SoftTargets,
    distill,
    distill_in_stages,
    held_masks,
    hold,
    layerwise,
    make_masks,
    named_variables,
    polynomial,
    release,
    sparsity,
    taylor,
)

LOSS = "sparse_categorical_crossentropy"


def fit(distiller, data, callbacks=(), epochs=3, optimizer="adam", **compile_args):
    """12 steps an epoch."""
    distiller.compile(optimizer, LOSS, metrics=["accuracy"], **compile_args)
    return distiller.fit(*data, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))


def weights(model):
    return [np.array(w) for w in model.weights]


def same(before, model):
    return all(np.array_equal(b, w) for b, w in zip(before, model.weights, strict=True))


ARGS = [{}, {"jit_compile": True, "steps_per_execution": 4}]


@pytest.mark.parametrize("compile_args", ARGS)
@pytest.mark.filterwarnings("error::UserWarning")
def test_gradual_pruning_in_a_distiller_prunes_the_student_and_nothing_of_the_teacher(
    net, data, compile_args
):
    teacher, student = net(), net()  # of one name: the teacher's paths would be the student's
    before, pruning = weights(teacher), GradualPruning(polynomial(0.75, end=20), every=5)
    fit(distill(teacher, student), data, [pruning], **compile_args)
    assert sparsity(student) == pruning.masks.sparsity == 0.75
    assert same(before, teacher) and sparsity(teacher) == 0
    assert pruning.masks.keys() == {"first/kernel", "last/kernel"}, "the student's own paths"
    pruning.masks.apply(student)


@pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True)])
@pytest.mark.parametrize("when", ["before", "through the distiller"])
def test_the_zeros_of_a_held_student_stay_exact(net, data, optimizer, when):
    teacher, student = net(), net()
    optimizer = optimizer if isinstance(optimizer, str) else optimizer.from_config(optimizer.get_config())
    masks = make_masks(student, 0.8)
    if when == "before":
        hold(student, masks)
    distiller = distill(teacher, student)
    if when != "before":
        hold(distiller, masks)
    fit(distiller, data, optimizer=optimizer)
    assert sparsity(student) == masks.sparsity
    for path, zeros in masks.items():
        assert not np.asarray(named_variables(student)[path])[~zeros].any()


def test_a_student_traced_before_and_trained_alone_afterwards_keeps_its_zeros(net, data):
    teacher, student = net(), net()
    student.fit(*data, verbose=0)
    fit(distill(teacher, student), data, [GradualPruning(polynomial(0.75, end=20), every=5)])
    student.fit(*data, verbose=0)
    assert sparsity(student) == 0.75
    hold(student, Masks({p: np.ones_like(m) for p, m in held_masks(student).items()}))
    student.fit(*data, verbose=0)
    assert sparsity(student) == 0, "new masks reach the step that was compiled"


def test_release_through_student_or_distiller_lets_both_train(net, data):
    for let_go in (lambda distiller: distiller, lambda distiller: distiller.student):
        student = net()
        hold(student, make_masks(student, 0.5))
        distiller = distill(net(), student)
        distiller.compile("adam", LOSS)
        distiller.fit(*data, verbose=0)
        release(let_go(distiller))
        distiller.fit(*data, verbose=0)
        assert sparsity(student) == 0 and held_masks(student) == {}


def test_held_masks_are_those_that_hold_was_given(net):
    model = net()
    assert held_masks(model) == {}
    masks = make_masks(model, 0.5)
    hold(model, masks)
    found = held_masks(model)
    assert found.keys() == masks.keys() and all((found[p] == masks[p]).all() for p in masks)


def test_criteria_work_on_a_distiller(net, data):
    distiller = distill(net(), net())
    through = make_masks(distiller, 0.5, taylor(*data, loss=LOSS))
    alone = make_masks(distiller.student, 0.5, taylor(*data, loss=LOSS))
    assert all((through[p] == alone[p]).all() for p in alone)


def test_the_student_alone_is_a_plain_keras_file(net, data, tmp_path):
    student = net()
    hold(student, make_masks(student, 0.6))
    fit(distill(net(), student), data, epochs=1)
    student.save(tmp_path / "student.keras")
    loaded = keras.models.load_model(tmp_path / "student.keras")
    assert type(loaded) is keras.Sequential and same(weights(student), loaded)


def test_the_loss_is_that_of_the_formula_with_the_penalties_of_the_student(net, data):
    teacher, student = net(), net()
    student.get_layer("first").kernel.regularizer = keras.regularizers.L2(0.1)
    for layer in teacher.layers:
        layer.set_weights([w + 0.1 for w in layer.get_weights()])
    distiller = distill(teacher, student, SoftTargets(2.0), student_loss_weight=0.3)
    distiller.compile("adam", LOSS)
    loss = distiller.evaluate(*data, batch_size=96, verbose=0, return_dict=True)["loss"]
    x, y = data
    t, s = (np.asarray(m(x)) for m in (teacher, student))
    t2, s2 = (np.sqrt(p) / np.sqrt(p).sum(axis=1, keepdims=True) for p in (t, s))
    soft = 4 * np.mean((t2 * np.log(t2 / s2)).sum(axis=1))
    hard = -np.mean(np.log(s[np.arange(96), y]))
    penalty = 0.1 * np.sum(np.asarray(student.get_layer("first").kernel) ** 2)
    np.testing.assert_allclose(loss, 0.3 * hard + 0.7 * soft + penalty, rtol=1e-4)


def test_a_student_comes_to_answer_like_its_teacher(net, data):
    teacher, student = net(), net()
    rng = np.random.default_rng(1)
    teacher.set_weights([rng.normal(size=w.shape) for w in teacher.weights])
    x, y = (np.tile(a, (20,) + (1,) * (a.ndim - 1)) for a in data)

    def agreement():
        return np.mean(np.argmax(teacher(data[0]), 1) == np.argmax(student(data[0]), 1))

    before = agreement()
    distiller = distill(teacher, student, student_loss_weight=0.0)
    fit(distiller, (x, 0 * y), epochs=1, optimizer=keras.optimizers.Adam(0.02))
    assert before < 0.7 and agreement() > 0.9


def test_in_stages_every_teacher_is_the_model_before_its_cut(net, data):
    model, met = net(), []

    def train(distiller):
        met.append((sparsity(distiller.teacher), sparsity(distiller)))
        before = weights(distiller.teacher)
        fit(distiller, data, epochs=1)
        assert same(before, distiller.teacher)

    masks = distill_in_stages(model, (0.25, 0.5, 0.75), train, scope=layerwise)
    assert met == [(0, 0.25), (0.25, 0.5), (0.5, 0.75)]
    assert masks.sparsity == sparsity(model) == 0.75
    assert model.trainable and held_masks(model).sparsity == 0.75


@pytest.mark.parametrize("sparsities", [(), (0.5, 0.25), (0.5, 1.5)])
def test_bad_stages_leave_the_model_alone(net, sparsities):
    model = net()
    before = weights(model)
    with pytest.raises(ValueError, match="Received"):
        distill_in_stages(model, sparsities, lambda distiller: None)
    assert same(before, model)


def test_models_that_cannot_teach_are_refused(net):
    model = net()
    with pytest.raises(ValueError, match="share weights"):
        distill(model, model)
    assert model.trainable
    with pytest.raises(TypeError, match="keras.Model. Received"):
        distill(None, model)
    with pytest.raises(ValueError, match="no weights yet"):
        distill(keras.Sequential([keras.layers.Dense(3)]), model)
