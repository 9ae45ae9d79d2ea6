"""Structured pruning: coupled channels and whole layers, and the smaller model without them."""
