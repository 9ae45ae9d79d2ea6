"""Which pattern of zeros runs fast here? Measured with LiteRT on this computer, not remembered."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np

from ..granularity import Block, Element, Granularity
from ..groups import n_of_m
from ..prune import make_masks
from ..select import check_sparsity
from ..table import as_html, as_text
from ..timing import Ratio, interleaved
from .compare import check
from .interpret import interpret
from .litert import converted

_PATTERNS = (Element(), Block(4, 1), Block(1, 4), Block(16, 1))
_CONTROLS = ("half the outputs", "float, no zeros")


class Fastest(dict[float, dict[str, Ratio]]):
    """{sparsity: {pattern: times as fast as the dense layer}}; prints as a table, the best marked *.

    Besides patterns, what competes with them: the dense layer with half the outputs.
    """

    def best(self, sparsity: float) -> str | None:
        """The fastest pattern here, or None: it must win a tenth over dense in three rounds of four."""
        wins = {
            name: ratio.median
            for name, ratio in self[sparsity].items()
            if name not in _CONTROLS and ratio.low > 1.1
        }
        return max(wins, key=wins.get, default=None)

    def _rows(self) -> Iterator[list[str]]:
        yield ["times as fast as dense", *(f"{s:.0%} zeros" for s in self)]
        for name in dict.fromkeys(name for row in self.values() for name in row):
            yield [name, *(self._cell(sparsity, name) for sparsity in self)]
        yield ["best", *(self.best(s) or "none: stay dense" for s in self)]

    def __repr__(self) -> str:
        return as_text(self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._rows())

    def _cell(self, sparsity: float, name: str) -> str:
        ratio = self[sparsity].get(name)
        mark = "*" if name == self.best(sparsity) else ""
        return "" if ratio is None else f"{ratio.median:.2f}{mark} ({ratio.low:.2f} to {ratio.high:.2f})"


def fastest_pattern(
    inputs: int,
    outputs: int,
    sparsities: Iterable[float] = (0.5, 0.7, 0.8, 0.9),
    batch: int = 1,
    image: tuple[int, int] | None = None,
    int8: bool = False,
    patterns: Iterable[Granularity] = _PATTERNS,
    rounds: int = 30,
) -> Fastest:
    """Time a Dense layer in LiteRT (XNNPACK, one thread), dense and pruned in patterns with sparse encoding.

    `image=(height, width)` measures a Conv2D 1 × 1 instead. At 50 % 2:4 takes part too, along the inputs
    and along the outputs. `int8` quantizes the weights of all sides, the dense one too; only blocks of 16 are
    then stored as sparse (`save_litert`). They take turns, and each has been compared with Keras. Weights are
    random: speed depends on where zeros are, not on values.
    About a second a side, half a minute for the default.
    Raises: ValueError for sizes below 1 and sparsities outside [0, 1).
    """
    if min(inputs, outputs, batch, rounds, *(image or ())) < 1:
        raise ValueError(
            f"Sizes must be at least 1. Received: inputs={inputs}, outputs={outputs}, batch={batch}, "
            f"image={image}, rounds={rounds}."
        )
    sparsities, found = [check_sparsity(s) or s for s in sparsities], Fastest()
    x = np.random.default_rng(0).normal(size=(batch, *(image or ()), inputs)).astype(np.float32)
    build = partial(_layer, x.shape[1:])
    kind = "weights" if int8 else None
    controls = {"dense": _side(build(outputs), x, int8=kind)}
    if outputs > 1:
        controls["half the outputs"] = _side(build(outputs // 2), x, int8=kind)
    if int8:
        controls["float, no zeros"] = _side(build(outputs), x)
    for sparsity in sparsities:
        sides = dict(controls)
        for name, recipe in _recipes(sparsity, patterns).items():
            model = build(outputs)
            make_masks(model, sparsity, **recipe).apply(model)
            sides[name] = _side(model, x, sparse=True, int8=kind)
        spent = interleaved(sides, rounds, warm_up=3, calls=_calls(sides["dense"]))
        found[sparsity] = {name: spent.ratio("dense", name) for name in sides if name != "dense"}
    return found


def _layer(shape: tuple[int, ...], outputs: int) -> keras.Model:
    layer = keras.layers.Dense(outputs) if len(shape) == 1 else keras.layers.Conv2D(outputs, 1)
    model = keras.Sequential([keras.Input(shape), layer])
    rng = np.random.default_rng(1)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape) / np.sqrt(shape[-1]))
    return model


def _recipes(sparsity: float, patterns: Iterable[Granularity]) -> dict[str, dict[str, Any]]:
    recipes = {_name(p): {"granularity": p} for p in patterns}
    if sparsity == 0.5:
        recipes["2:4 of the inputs"] = {"scope": n_of_m(2, 4)}
        recipes["2:4 of the outputs"] = {"scope": n_of_m(2, 4, axis=-1)}
    return recipes


def _name(pattern: Granularity) -> str:
    return f"Block({pattern.rows}, {pattern.cols})" if isinstance(pattern, Block) else repr(pattern)


def _side(model: keras.Model, x: np.ndarray, sparse: bool = False, int8: Any = None) -> Callable[[], Any]:
    with warnings.catch_warnings():  # int8 in other blocks than 16 is written densely, and is as fast
        warnings.simplefilter("ignore")
        run = interpret(converted(model, sparse=sparse, int8=int8))
    check(run, model, x, 0.25 if int8 else None, typical=bool(int8))
    run(x)
    return run.invoke


def _calls(side: Callable[[], Any]) -> int:
    """How many calls make a millisecond: a single short one is timed by the clock as much as by itself."""
    seconds = float(interleaved({"dense": side}, rounds=5)["dense"].min())
    return max(1, round(1e-3 / seconds))
