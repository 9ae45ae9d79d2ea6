"""Distillation for pruning, on `keras.distillation`: a pruned student learns from a dense teacher.

A Distiller stands for its student everywhere in the engine: `GradualPruning` in `distiller.fit` prunes the
student under the student's own paths, `hold(distiller, masks)` holds it, `sparsity(distiller)` counts its
zeros. The teacher is never pruned. Afterwards `distiller.student` is a plain Keras model, still held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

from .holding import held_masks, hold
from .masks import Masks
from .prune import make_masks
from .select import check_sparsity
from .soft_targets import SoftTargets
from .variables import check_model

Loss = keras.distillation.DistillationLoss


def distill(
    teacher: keras.Model, student: keras.Model, losses: Loss | Sequence[Loss] | None = None, **options: Any
) -> keras.distillation.Distiller:
    """A `keras.distillation.Distiller` to compile and fit like any model: student learns from teacher.

    The loss is w · (the student's own on the labels) + (1 − w) · Σ of `losses`, w = `student_loss_weight`,
    0.5 by default; `losses` are by default `SoftTargets()`. `options` are those of Keras's Distiller. What
    Keras 3.15 leaves out and pruning needs is added: the student's regularizers and activity losses count,
    and evaluation leaves its BatchNormalization alone. Like Keras's, it takes no notice of sample weights.

    A student that is held stays held. The teacher runs as in inference and is frozen for good (`trainable`
    becomes False). Judge and save `distiller.student`, not the Distiller.
    Raises: TypeError for no models, ValueError for models without weights, with weights in common or whose
    inputs or outputs do not fit.
    """
    for model in (teacher, student):
        check_model(model)
    if {id(v) for v in teacher.weights} & {id(v) for v in student.weights}:
        raise ValueError(
            "teacher and student must not share weights: the teacher is frozen. Received: "
            f"{teacher.name!r} and {student.name!r}. Clone the teacher with its weights first."
        )
    distiller = _Distiller(teacher, student, SoftTargets() if losses is None else losses, **options)
    if masks := held_masks(student):
        hold(distiller, masks)  # so that the distiller's optimizer is known, with its moving averages
    return distiller


def distill_in_stages(
    model: keras.Model,
    sparsities: Iterable[float],
    fit: Callable[[keras.distillation.Distiller], Any],
    losses: Loss | Sequence[Loss] | None = None,
    **recipe: Any,
) -> Masks:
    """Prune in stages, where each stage learns from the model as it was before its cut; returns the masks.

    For every sparsity: copy the model (the stage's teacher), `make_masks(model, sparsity, **recipe)` among
    those kept so far, hold them, and `fit(distiller)`: a function of yours that compiles and fits what
    `distill(teacher, model, losses)` gives. So a teacher is never much larger than its student, as with
    teacher assistants (Mirzadeh et al. 2020, arXiv:1902.03393). The model is changed in place and stays held.
    Raises: ValueError for no sparsities, one out of [0, 1), or falling ones.
    """
    stages = [check_sparsity(s) for s in sparsities]
    if not stages or stages != sorted(stages):
        raise ValueError(f"sparsities must be a rising list, as (0.5, 0.8). Received: {stages}.")
    masks = None
    for sparsity in stages:
        teacher = keras.models.clone_model(model)
        teacher.set_weights(model.get_weights())
        masks = make_masks(model, sparsity, among=masks, **recipe)
        hold(model, masks)
        fit(distill(teacher, model, losses))
    return masks


class _Distiller(keras.distillation.Distiller):
    """Keras's, with what it leaves out of the loss and does too much of when it evaluates."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self._training = training
        return super().compute_loss(x, y, y_pred, sample_weight, training) + sum(self.student.losses)

    def _extract_all_student_features(self, x, y_pred):
        if self._student_feature_extractor is None:
            return super()._extract_all_student_features(x, y_pred)
        # Keras says training=True here also when it evaluates, which moves BatchNormalization's statistics.
        return self._student_feature_extractor(x, training=self._training)
