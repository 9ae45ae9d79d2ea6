"""The course library: data, models, plots, quizzes, widgets, and a pruning engine for Keras 3."""
