"""What a student may learn from inside a teacher: its features, or only where it looks."""

from __future__ import annotations

from typing import Any

import keras

ops = keras.ops


def attention_loss(teacher: Any, student: Any) -> Any:
    """How differently two layers spread their attention over positions: (n,), 0 where alike, at most 2.

    Features are (n, *positions, channels); the numbers of channels may differ. The attention map is
    Q = Σ_c A_c² divided by its Euclidean norm over positions, and the loss of an example is ‖Q_s − Q_t‖²
    (Zagoruyko & Komodakis 2017, arXiv:1612.03928, squared as in the authors' code). The scale of the features
    does not matter. Use: `keras.distillation.FeatureDistillation(attention_loss, "conv_1", "conv_1")`.
    Raises: ValueError for features without positions, or with other positions than the teacher's.
    """
    if len(teacher.shape) < 3 or tuple(teacher.shape[1:-1]) != tuple(student.shape[1:-1]):
        raise ValueError(
            "attention_loss compares features (n, *positions, channels) at the same positions. "
            f"Received: teacher {tuple(teacher.shape)}, student {tuple(student.shape)}."
        )
    return ops.sum(ops.square(_attention(student) - _attention(teacher)), axis=-1)


class FeatureMatching(keras.layers.Layer, keras.distillation.FeatureDistillation):
    """The student's features, through a trained projection, should become the teacher's.

    FitNets (Romero et al. 2015, arXiv:1412.6550). The loss is the mean of (teacher − r(student))² over the
    features (n, ..., channels) of two layers. Where the numbers of channels differ, as after shrinking, r is
    a 1×1 projection, trained with the student and left behind in the Distiller; where they are equal there is
    none. The paper trains on this hint alone first (`student_loss_weight=0`), then on labels and teacher.
    Raises: ValueError for layers that do not exist or whose features lie at different positions.
    """

    def __init__(self, teacher_layer_name: str, student_layer_name: str | None = None) -> None:
        keras.layers.Layer.__init__(self, name=f"match_{teacher_layer_name}")
        student = student_layer_name or teacher_layer_name
        keras.distillation.FeatureDistillation.__init__(self, "mse", teacher_layer_name, student)
        self.projection = None

    def validate_model_compatibility(self, teacher: keras.Model, student: keras.Model) -> None:
        """Build the projection between the two layers; Keras's Distiller asks for this before training."""
        keras.distillation.FeatureDistillation.validate_model_compatibility(self, teacher, student)
        theirs = teacher.get_layer(self.teacher_layer_name).output.shape
        ours = student.get_layer(self.student_layer_name).output.shape
        if tuple(theirs[:-1]) != tuple(ours[:-1]):
            raise ValueError(
                "FeatureMatching compares features at the same positions. Received: teacher "
                f"{self.teacher_layer_name!r} {theirs}, student {self.student_layer_name!r} {ours}."
            )
        if theirs[-1] != ours[-1]:
            self.projection = keras.layers.Dense(theirs[-1], name="projection")
            self.projection.build(ours)
        self.built = True  # else Keras warns of a Distiller that is not

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss of a batch, a scalar."""
        if self.projection is not None:
            student_outputs = self.projection(student_outputs)
        return keras.distillation.FeatureDistillation.compute_loss(self, teacher_outputs, student_outputs)


def _attention(features: Any) -> Any:
    """Where features are large: (n, positions), of norm 1, or 0 where all features are 0."""
    features = ops.cast(features, "float32")
    features = ops.reshape(features, (ops.shape(features)[0], -1, features.shape[-1]))
    # Scaled to a peak of 1, so that fourth powers of small features do not underflow; a scale cancels out.
    peak = ops.stop_gradient(ops.max(ops.abs(features), axis=(1, 2), keepdims=True))
    strength = ops.sum(ops.square(features / ops.where(peak > 0, peak, 1)), axis=-1)
    length = ops.sum(ops.square(strength), axis=-1, keepdims=True)
    return strength * ops.rsqrt(ops.where(length > 0, length, 1))
