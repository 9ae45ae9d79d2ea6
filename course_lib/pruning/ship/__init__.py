"""Models that leave the notebook: Keras and LiteRT files, archives of sparse weights, a runtime in NumPy."""
