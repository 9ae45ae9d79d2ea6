"""Sparse training and lottery tickets: which connections, and from which start."""
