"""Automated search for the sparsity of each layer, under a budget that is met exactly."""
