"""Soft pruning: training has a say in what goes. Penalties, weights that fade, masks that are learned."""
