"""The forms of NumPy's arrays, scalars, types and generators, and of TensorFlow's eager tensors."""

import sys
from hashlib import blake2b

from autograder.checks.data import raw, text
from autograder.checks.wire import Form, Garbage, Plain, Wire


def np():
    """Return NumPy, if this kernel has imported it."""
    return sys.modules.get("numpy")


def _numpy(name: str):
    def fits(x) -> bool:
        return np() is not None and issubclass(type(x), getattr(np(), name))

    return fits


def _descriptor(dtype):
    """Return a type as JSON; None where its elements are Python objects."""
    if dtype.hasobject:
        return None
    if type(dtype).__module__ != "numpy.dtypes" and not dtype.fields:  # bfloat16 and its like
        return dtype.name
    return dtype.descr if dtype.fields else dtype.str


def _dtype(said):
    import numpy

    if isinstance(said, str) and not said[0].isalpha():
        found = numpy.dtype(said)
    elif isinstance(said, str):
        import ml_dtypes

        found = numpy.dtype(getattr(ml_dtypes, said))
    else:
        found = numpy.dtype([_field(field) for field in said])
    if found.hasobject:
        raise Garbage("an array of objects is not sent as bytes")
    return found


def _field(said: list) -> tuple:
    name, kind, *shape = said
    name = tuple(name) if isinstance(name, list) else name  # a title and a name
    kind = kind if isinstance(kind, str) else [_field(one) for one in kind]
    return (name, kind, *map(tuple, shape))


def array_bytes(x) -> list:
    """Return an array as [type, shape, order, bytes as text]."""
    x = np().asarray(x)
    order = "F" if x.flags.f_contiguous and not x.flags.c_contiguous else "C"
    return [_descriptor(x.dtype), list(x.shape), order, text(x.tobytes(order))]


def array_from(body: list):
    """Return the array of `array_bytes`, a copy that may be written to."""
    import numpy

    said, shape, order, data = body
    dtype, data = _dtype(said), bytearray(raw(data))
    if not dtype.itemsize:
        return numpy.zeros(shape, dtype)
    return numpy.frombuffer(data, dtype).reshape(shape, order=order)


def _fits_array(wire: Wire, x) -> bool:
    return _numpy("ndarray")(x)


def _state(wire: Wire, x):
    x = np().ndarray.view(x, np().ndarray)
    if x.dtype.hasobject:
        return [None, list(x.shape), [wire.write(one) for one in x.ravel().tolist()]]
    return array_bytes(x)


def _make(wire: Wire, state):
    if state[0] is None:
        import numpy

        return numpy.empty(state[1], object)
    return array_from(state)


def _fill(wire: Wire, x, state) -> None:
    if state[0] is None:
        flat = [wire.read(body) for body in state[2]]
        for place, one in zip(np().ndindex(x.shape), flat, strict=True):
            x[place] = one
        return
    new = array_from(state)
    if new.shape != x.shape or new.dtype != x.dtype:
        raise Garbage("an array changed its shape or type")
    if x.tobytes() != new.tobytes():
        x[...] = new


def array_mark(x) -> str:
    """Return what changes with an array's content."""
    x = np().asarray(x)
    same = x if x.flags.c_contiguous else np().ascontiguousarray(x)
    content = same.view("u1") if same.size and x.ndim else same.tobytes()
    return f"{x.dtype.str}{x.shape}{blake2b(content).hexdigest()}"


def _mark(wire: Wire, x) -> str:
    x = np().ndarray.view(x, np().ndarray)
    return repr(_state(wire, x)) if x.dtype.hasobject else array_mark(x)


def _write_scalar(wire: Wire, x):
    return None if x.dtype.hasobject else array_bytes(np().asarray(x))


def _write_type(wire: Wire, x):
    known = issubclass(x, np().generic) and x.__module__ == "numpy" and getattr(np(), x.__name__, None) is x
    return x.__name__ if known else None


def _read_type(wire: Wire, body):
    import numpy

    found = getattr(numpy, body)
    if not issubclass(found, numpy.generic):
        raise Garbage(f"{body} is no type of numbers")
    return found


def _fits_tensor(x) -> bool:
    return type(x).__name__ == "EagerTensor" and "tensorflow" in sys.modules


def _write_tensor(wire: Wire, x):
    values = np().asarray(x.numpy())
    if values.dtype.hasobject:  # of text
        return [None, list(values.shape), [text(one) for one in values.ravel().tolist()]]
    return array_bytes(values)


def _read_tensor(wire: Wire, body):
    import tensorflow

    if body[0] is None:
        return tensorflow.reshape(tensorflow.constant([raw(one) for one in body[2]], "string"), body[1])
    return tensorflow.constant(array_from(body))


PLAIN = [
    Plain("scalar", _numpy("generic"), _write_scalar, lambda w, b: array_from(b)[()]),
    Plain("dtype", _numpy("dtype"), lambda w, x: _descriptor(x), lambda w, b: _dtype(b)),
    Plain("number", lambda x: isinstance(x, type) and np() is not None, _write_type, _read_type),
    Plain("tensor", _fits_tensor, _write_tensor, _read_tensor),
]


def _class(name: str):
    """Return the form of NumPy's own classes of arrays: matrices multiply otherwise."""

    def fits(wire: Wire, x) -> bool:
        return np() is not None and issubclass(type(x), getattr(np(), name)) and not x.dtype.hasobject

    def make(wire: Wire, state):
        import numpy

        return array_from(state).view(getattr(numpy, name))

    return Form(name, fits, _state, make, _fill, _mark)


def _fits_masked(wire: Wire, x) -> bool:
    return np() is not None and issubclass(type(x), np().ma.MaskedArray) and not x.dtype.hasobject


def _masked_state(wire: Wire, x) -> list:
    mask = None if x.mask is np().ma.nomask else array_bytes(x.mask)
    return [array_bytes(np().ma.getdata(x)), mask, wire.write(x.fill_value)]


def _make_masked(wire: Wire, state):
    import numpy

    return numpy.ma.MaskedArray(array_from(state[0]))


def _fill_masked(wire: Wire, x, state) -> None:
    np().ma.getdata(x)[...] = array_from(state[0])
    if state[1] is not None:
        x.mask = array_from(state[1])
    x.fill_value = wire.read(state[2])


SHARED = [
    Form("masked", _fits_masked, _masked_state, _make_masked, _fill_masked),
    _class("matrix"),
    _class("recarray"),
    Form("array", _fits_array, _state, _make, _fill, _mark),
]
