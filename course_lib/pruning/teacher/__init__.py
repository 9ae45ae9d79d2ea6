"""A pruned student learns from a teacher, on `keras.distillation`."""
