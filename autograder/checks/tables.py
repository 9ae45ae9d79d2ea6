"""The forms of Pandas's tables, columns and indices."""

import sys

from autograder.checks.arrays import array_bytes, array_from, np
from autograder.checks.data import read_all, write_all
from autograder.checks.wire import Form, Plain, Wire


def _is(name: str):
    def fits(x) -> bool:
        kind = getattr(sys.modules.get("pandas"), name, None)
        return kind is not None and issubclass(type(x), kind)

    return fits


def _column(wire: Wire, x) -> list:
    """Return a column or an index as [name of its type, whether of objects, its values]."""
    values = x.to_numpy()
    objects = values.dtype.hasobject
    return [str(x.dtype), objects, write_all(wire, values.tolist()) if objects else array_bytes(values)]


def _values(wire: Wire, body):
    return read_all(wire, body[2]) if body[1] else array_from(body[2])


def _write_index(wire: Wire, x) -> list | None:
    return [*_column(wire, x), write_all(wire, x.names)] if _plain(x) else None


def _read_index(wire: Wire, body):
    import pandas

    values, names = _values(wire, body), read_all(wire, body[3])
    if len(names) > 1:
        return pandas.MultiIndex.from_tuples(values, names=names)
    return pandas.Index(values, dtype=body[0], name=names[0])


def _read_column(wire: Wire, body, index):
    import pandas

    return pandas.Series(_values(wire, body), index=index, dtype=body[0])


def _plain(x) -> bool:
    """Whether a column holds what NumPy has, text, or categories."""
    return isinstance(x.dtype, np().dtype) or str(x.dtype) in ("str", "string", "category")


def _fits_series(wire: Wire, x) -> bool:
    return _is("Series")(x) and _plain(x) and _plain(x.index)


def _fits_table(wire: Wire, x) -> bool:
    return _is("DataFrame")(x) and all(map(_plain, [x.index, *(x.iloc[:, i] for i in range(x.shape[1]))]))


def _state_of_series(wire: Wire, x) -> list:
    return [wire.write(x.name), wire.write(x.index), _column(wire, x)]


def _fill_series(wire: Wire, x, state) -> None:
    x._update_inplace(_read_column(wire, state[2], wire.read(state[1])))
    x.name = wire.read(state[0])


def _state_of_table(wire: Wire, x) -> list:
    columns = [_column(wire, x.iloc[:, i]) for i in range(x.shape[1])]
    return [wire.write(x.columns), wire.write(x.index), columns]


def _fill_table(wire: Wire, x, state) -> None:
    import pandas

    index = wire.read(state[1])
    columns = [_read_column(wire, body, index) for body in state[2]]
    made = pandas.DataFrame(dict(enumerate(columns)), index=index)
    made.columns = wire.read(state[0])
    x._update_inplace(made)


def _empty(name: str):
    def make(wire: Wire, state):
        import pandas

        return getattr(pandas, name)([], dtype=object)

    return make


PLAIN = [Plain("index", _is("Index"), _write_index, _read_index)]
SHARED = [
    Form("series", _fits_series, _state_of_series, _empty("Series"), _fill_series),
    Form("table", _fits_table, _state_of_table, _empty("DataFrame"), _fill_table),
]
