"""Before and after surgery: what became smaller, by layer or by group of coupled channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from ..flow import example_specs
from ..table import as_html, as_text
from ..variables import named_variables
from .costs import LayerCost, layer_costs
from .latency import Latency, latency
from .memory import Memory, planned_memory
from .sides import sides

Pair = tuple[int | None, int | None]


class Change(NamedTuple):
    """A layer or group (before, after): channels (None: several or none), and sums over its layers.

    MACs count zeros; `bytes` are those of weights, `activations` those that its layers write for one example.
    """

    name: str
    channels: Pair
    parameters: Pair
    macs: Pair
    bytes: Pair
    activations: Pair


class Structure(tuple[Change, ...]):
    """The rows of `compare_structure(...)`; prints as a table.

    `all` sums all rows; `memory` is `planned_memory` (before, after), `latency` the measured times.
    """

    all: Change
    memory: tuple[Memory, Memory]
    latency: Latency | None

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "before → after", "channels", "parameters", "MACs", "bytes", "activations", "MACs left"
        for row in (*self, self.all):
            before, after = row.macs
            left = f"{after / before:.2f}×" if before and after is not None else ""
            yield row.name, *map(_arrow, row[1:]), left

    def _peak(self) -> str:
        return f"peak of activations: {_arrow(tuple(m.peak for m in self.memory))} bytes an example"

    def __repr__(self) -> str:
        times = f"\n{self.latency!r}" if self.latency else ""
        return f"{as_text(self._rows())}\n{self._peak()}{times}"

    def _repr_html_(self) -> str:
        return as_html(self._rows(), caption=self._peak()) + (
            self.latency._repr_html_() if self.latency else ""
        )


def compare_structure(
    before: keras.Model,
    after: keras.Model,
    x: Any = None,
    groups: Any = None,
    sizes: Sequence[int] = (1, 32),
    rounds: int = 20,
) -> Structure:
    """What `shrink` and `drop_layers` saved: layers of two models, matched by path, and both timed in turns.

    `groups`: the `Channels(before)` that the channels were removed by; then there is one row for each group
    of coupled channels, frozen ones too, with the layers that make them and the normalisations behind. Layers
    without weights are one row, "no weights". `x`: examples to time with; None times on zeros. `sizes=()`
    does not time.
    Raises: ValueError if the models have no layer in common, and as `macs` and `latency` do.
    """
    both = list(sides({"before": before, "after": after}).values())
    old, new = ({row.path: row for row in layer_costs(model, x)} for model in both)
    weighted = [path for path, row in (old | new).items() if row.parameters]
    if not any(path in old and path in new for path in weighted):
        raise ValueError(
            f"No layer of {after.name!r} has the path of one of {before.name!r}. Compare a model with what "
            "shrink or drop_layers made of it. "
            f"Received: {', '.join(list(new)[:5])}, … and {', '.join(list(old)[:5])}, …."
        )
    bare = [path for path in old | new if path not in weighted]
    parts = {path: [path] for path in weighted} if groups is None else _by_group(groups, weighted)
    rows = [_change(name, paths, old, new) for name, paths in parts.items()]
    if groups is not None:
        rows = [row._replace(channels=_channels(groups, row, both)) for row in rows]
    result = Structure([*rows, *([_change("no weights", bare, old, new)] if bare else [])])
    result.all = _change("all", list(old | new), old, new)
    result.memory = tuple(planned_memory(model, x) for model in both)
    x = _zeros(before, x)
    result.latency = latency({"before": both[0], "after": both[1]}, x, sizes, rounds) if sizes else None
    return result


def _change(name: str, paths: list[str], old: dict[str, LayerCost], new: dict[str, LayerCost]) -> Change:
    sides = [[costs[path] for path in paths if path in costs] for costs in (old, new)]
    channels = [rows[0].channels if rows else 0 for rows in sides] if len(paths) == 1 else [None, None]
    names = ("parameters", "macs", "weight_bytes", "output_bytes")
    sums = [tuple(_sum(getattr(row, what) for row in rows) for rows in sides) for what in names]
    return Change(name, tuple(channels), *sums)


def _by_group(groups: Any, layers: list[str]) -> dict[str, list[str]]:
    """{name of a group: paths of layers}, each layer in the first group whose channels its weights carry."""
    everything = [*groups.groups.values(), *groups.frozen]
    group_of = {unit: group for group in reversed(everything) for unit in group.units}
    home: dict[str, str] = {}
    for path, weight in groups.weights.items():
        axes = weight.axes if weight.makes is None else [weight.axes[weight.makes]]
        units = next((groups.roots[a] for a in axes if a is not None), ())
        group = next((group_of[unit] for unit in units if unit in group_of), None)
        layer = next((name for name in layers if path.startswith(f"{name}/")), None)
        if group and layer:
            home.setdefault(layer, group.name)
    names = dict.fromkeys([group.name for group in everything if group.name in home.values()])
    parts = {name: [layer for layer in layers if home.get(layer) == name] for name in names}
    rest = [layer for layer in layers if layer not in home]
    return parts | ({"other layers": rest} if rest else {})


def _channels(groups: Any, row: Change, models: list[keras.Model]) -> Pair:
    """Of a group, where its first maker makes channels of this group alone."""
    group = next((g for g in [*groups.groups.values(), *groups.frozen] if g.name == row.name), None)
    if group is None:
        return None, None
    path, named = group.makers[0], [named_variables(model) for model in models]
    before, after = (n[path].shape[groups.weights[path].makes] if path in n else 0 for n in named)
    each = before // len(group.units)
    return (len(group.units), after // each) if each * len(group.units) == before else (None, None)


def _zeros(model: keras.Model, x: Any) -> Any:
    if x is not None:
        return x
    specs, _ = example_specs(model)
    return keras.tree.map_structure(lambda s: np.zeros(s.shape, s.dtype.as_numpy_dtype), specs)


def _sum(numbers: Iterable[int | None]) -> int | None:
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


def _arrow(pair: Pair) -> str:
    before, after = ("?" if n is None else f"{n:,}" for n in pair)
    if pair == (None, None):
        return ""
    return before if before == after else f"{before} → {after}"
