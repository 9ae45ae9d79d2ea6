"""The forms of sparse and ragged things: SciPy's matrices and arrays, TensorFlow's tensors, their types."""

import sys

from autograder.checks.arrays import array_bytes, array_from
from autograder.checks.data import read_all, write_all
from autograder.checks.wire import Form, Garbage, Plain, Wire

PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
}  # all others travel as coordinates


def _classes() -> dict:
    """Return SciPy's classes by name, if this kernel has imported them."""
    module = sys.modules.get("scipy.sparse")
    formats = ("csr", "csc", "bsr", "dia", "coo", "lil", "dok")
    names = [f"{one}_{kind}" for one in formats for kind in ("matrix", "array")]
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def _known(x) -> str | None:
    found = {kind: name for name, kind in _classes().items()}
    return next((found[kind] for kind in type(x).__mro__ if kind in found), None)


def _state(wire: Wire, x) -> list:
    name = _known(x)
    if names := PARTS.get(name[:3]):
        parts = [getattr(x, one) for one in names]
    else:
        coordinates = x if name.startswith("coo") else x.tocoo()
        parts = [coordinates.data, *coordinates.coords]
    return [name, list(x.shape), [array_bytes(one) for one in parts]]


def _made(state):
    import scipy.sparse  # noqa: F401 - `_classes` finds it

    name, shape, parts = state
    if name not in _classes():
        raise Garbage(f"{name!r} is no class of SciPy's")
    arrays = [array_from(one) for one in parts]
    given = tuple(arrays) if name[:3] in PARTS else (arrays[0], tuple(arrays[1:]))
    kind = _classes()[name]
    if name[:3] not in PARTS and not name.startswith("coo"):
        return kind(_classes()["coo" + name[3:]](given, shape=tuple(shape)))
    made = kind(given, shape=tuple(shape))
    if hasattr(made, "check_format"):
        made.check_format(full_check=True)  # SciPy itself follows a wrong index anywhere
    return made


def _fill(wire: Wire, x, state) -> None:
    vars(x).update(vars(_made(state)))


def _tensorflow(name: str):
    def fits(x) -> bool:
        kind = getattr(sys.modules.get("tensorflow"), name, None)
        return kind is not None and issubclass(type(x), kind)

    return fits


def _read_ragged(wire: Wire, body):
    import tensorflow

    values, splits = wire.read(body[0]), read_all(wire, body[1])
    return tensorflow.RaggedTensor.from_nested_row_splits(values, splits)


def _read_sparse(wire: Wire, body):
    import tensorflow

    return tensorflow.SparseTensor(*read_all(wire, body))


def _read_shape(wire: Wire, body):
    import tensorflow

    return tensorflow.TensorShape(body)


def _read_type(wire: Wire, body):
    import tensorflow

    return tensorflow.dtypes.as_dtype(str(body))


PLAIN = [
    Plain(
        "ragged tensor",
        _tensorflow("RaggedTensor"),
        lambda w, x: [w.write(x.flat_values), write_all(w, x.nested_row_splits)],
        _read_ragged,
    ),
    Plain(
        "sparse tensor",
        _tensorflow("SparseTensor"),
        lambda w, x: write_all(w, (x.indices, x.values, x.dense_shape)),
        _read_sparse,
    ),
    Plain(
        "shape",
        _tensorflow("TensorShape"),
        lambda w, x: None if x.rank is None else x.as_list(),
        _read_shape,
    ),
    Plain("tensor type", _tensorflow("DType"), lambda w, x: x.name, _read_type),
]
SHARED = [Form("sparse", lambda w, x: _known(x) is not None, _state, lambda w, state: _made(state), _fill)]
