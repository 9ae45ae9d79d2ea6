"""Pruning at run time: by example, by budget of the moment, by what a stream brings."""
