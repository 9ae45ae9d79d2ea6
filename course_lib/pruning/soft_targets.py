"""The loss of a student on its teacher's soft answers: which other classes does it think of?"""

from __future__ import annotations

from typing import Any

import keras


class SoftTargets(keras.distillation.LogitsDistillation):
    """T² · KL(teacher ‖ student), both softened with a temperature T (Hinton et al. 2015, arXiv:1503.02531).

    The mean over examples of T² · Σ_c t_c · log(t_c / s_c), t = softmax(z_teacher / T), s likewise. An
    example's gradient for the student's logits is T · (s − t), and s − t falls as 1/T; without T² it would
    fall as 1/T², and the temperature would change the balance with the loss on the labels.

    The outputs must be probabilities, of a softmax or of one sigmoid unit (two classes): softmax(log p / T)
    is softmax(z / T). For logits say `from_logits=True`. Keras's `LogitsDistillation` takes logits only, and
    in Keras 3.15 its default loss, given by name, compares them without softmax and without T²; given
    `keras.losses.KLDivergence()`, as here, it is Hinton's. Of several outputs the losses are summed.
    Raises: ValueError unless temperature > 0, and where a model plainly ends in something else.
    """

    def __init__(self, temperature: float = 3.0, from_logits: bool = False) -> None:
        super().__init__(temperature, keras.losses.KLDivergence())
        self.from_logits = from_logits

    def validate_model_compatibility(self, teacher: keras.Model, student: keras.Model) -> None:
        """Raise ValueError if the last activation of a model contradicts `from_logits`."""
        fits = ("linear",) if self.from_logits else ("softmax", "sigmoid")
        for model in (teacher, student):
            for output in getattr(model, "outputs", None) or []:
                ending = _ending(output)
                if ending not in (*fits, None) or ending == "sigmoid" and output.shape[-1] > 1:
                    raise ValueError(
                        f"SoftTargets(from_logits={self.from_logits}) compares one distribution over "
                        f"classes, given as {'logits' if self.from_logits else 'probabilities'}. Received: "
                        f"model {model.name!r}, which ends in {output.shape[-1]} × {ending!r}. Change "
                        "from_logits, or use FeatureDistillation for outputs that are no classes."
                    )

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss of a batch, a scalar, from outputs (..., classes) or a structure of such."""
        pairs = zip(keras.tree.flatten(teacher_outputs), keras.tree.flatten(student_outputs), strict=True)
        return sum(super(SoftTargets, self).compute_loss(*map(self._logits, pair)) for pair in pairs)

    def _logits(self, outputs: Any) -> Any:
        values = keras.ops.cast(outputs, "float32")
        if values.shape[-1] == 1:  # one unit decides between two classes
            other = keras.ops.zeros_like(values) if self.from_logits else 1 - values
            values = keras.ops.concatenate([other, values], axis=-1)
        # At least the smallest normal number, not Keras's 1e-7, of which T = 3 would make 0.5 %.
        return values if self.from_logits else keras.ops.log(keras.ops.maximum(values, 1.2e-38))


def _ending(output: Any) -> str | None:
    """The activation an output comes from, "softmax", "sigmoid" or "linear"; None for any other."""
    operation = output._keras_history.operation
    if isinstance(operation, keras.Model):
        return _ending(operation.outputs[0]) if operation.outputs else None
    kind = "softmax" if isinstance(operation, keras.layers.Softmax) else None
    name = getattr(getattr(operation, "activation", None), "__name__", kind)
    if name == "linear" and isinstance(operation, keras.layers.Activation):  # only changes the type
        return _ending(operation.input)
    return name if name in ("softmax", "sigmoid", "linear") else None
