"""A student's function inside a compiled step of Keras, such as a constraint: traced there, called from here.

TensorFlow builds a graph by calling the function with tensors that have no values yet. The student's kernel
traces it too, so that what cannot be traced (NumPy, say) fails as it would there; the graph here calls out.
"""

import sys


def in_graph() -> bool:
    """Whether TensorFlow is just building a graph."""
    tensorflow = sys.modules.get("tensorflow")
    return hasattr(tensorflow, "inside_function") and tensorflow.inside_function()


def call(ask, thing, args: tuple):
    """Put a call of a student's function into the graph that is being built."""
    import tensorflow

    tensors = [tensorflow.convert_to_tensor(getattr(one, "value", one)) for one in args]
    specs = tuple((tuple(one.shape), one.dtype.name) for one in tensors)
    with tensorflow.init_scope():  # outside of the graph variables have values, which may have to be sent
        traced, shape, dtype = ask("trace", thing, specs)
    found = tensorflow.py_function(lambda *values: ask("call", traced, *values), tensors, dtype)
    found.set_shape(shape)
    return found


def trace(thing, specs: tuple) -> tuple:
    """Return a student's function as a graph, with the shape and the type of what it returns."""
    import tensorflow

    wanted = [tensorflow.TensorSpec(shape, dtype) for shape, dtype in specs]
    traced = tensorflow.function(lambda *args: tensorflow.convert_to_tensor(thing(*args)))
    graph = traced.get_concrete_function(*wanted)
    return (lambda *args: graph(*args)), tuple(graph.output_shapes), graph.output_dtypes.name


def without_xla() -> None:
    """Have Keras compile without XLA here: that cannot call out."""
    if trainer := sys.modules.get("keras.src.trainers.trainer"):
        trainer.model_supports_jit = lambda model: False
