"""Kernels for code nobody should trust: forked from a warm process, sealed before the code runs."""
