"""How sparse at which step: pure functions step → sparsity, to draw as well as to train with.

Every maker returns a function of the optimizer step (0 before the first update). It takes a number and
returns a float, or an array and returns a float64 array of that shape. Before `begin` the sparsity is 0, from
`end` on it is `final`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .select import check_sparsity

Schedule = Callable[[float | np.ndarray], float | np.ndarray]

_AT_ONCE = 10_000  # steps a schedule is asked about in one go


def constant(final: float) -> Schedule:
    """`final` at every step, the first one included."""
    check_sparsity(final, "final")
    return _schedule(lambda step: np.full_like(step, final))


def one_shot(final: float, at: int = 0) -> Schedule:
    """0 before step `at`, `final` from it on: all is cut at once."""
    check_sparsity(final, "final")
    _check_step(at, "at")
    return _schedule(lambda step: np.where(step < at, 0.0, final))


def linear(final: float, *, begin: int = 0, end: int, initial: float = 0.0) -> Schedule:
    """The same sparsity added at every step from `begin` (`initial`) to `end` (`final`)."""
    return polynomial(final, begin=begin, end=end, initial=initial, power=1)


def polynomial(final: float, *, begin: int = 0, end: int, initial: float = 0.0, power: float = 3) -> Schedule:
    """Fast at first, slower as fewer weights remain; the cubic (power 3) is the field's default.

    s(t) = final + (initial − final) · (1 − p)^power, p = (t − begin) / (end − begin)
    (Zhu & Gupta 2017, arXiv:1710.01878). Equals tfmot's PolynomialDecay for begin ≤ t ≤ end. Outside,
    tfmot returns `initial` before and `final` after, together with "do not prune now"; ours, having no such
    flag, returns 0 before `begin` and `final` after `end`.
    """
    if not power > 0:
        raise ValueError(f"power must be positive. Received: {power}.")
    return _ramp(final, begin, end, initial, lambda p: 1 - (1 - p) ** power)


def exponential(final: float, *, begin: int = 0, end: int, initial: float = 0.0) -> Schedule:
    """The same *share of the remaining* weights is cut at every step.

    Density falls geometrically: 1 − s(t) = (1 − initial) · ((1 − final) / (1 − initial))^p, p as in
    `polynomial`.
    """
    _check_ramp(final, begin, end, initial)
    ratio = (1 - final) / (1 - initial)
    share = (lambda p: (1 - ratio**p) / (1 - ratio)) if ratio < 1 else (lambda p: p)
    return _ramp(final, begin, end, initial, share)


def cosine(final: float, *, begin: int = 0, end: int, initial: float = 0.0) -> Schedule:
    """Slow at both ends: s(t) = initial + (final − initial) · (1 − cos πp) / 2, p as in `polynomial`."""
    return _ramp(final, begin, end, initial, lambda p: (1 - np.cos(np.pi * p)) / 2)


def cosine_decay(initial: float, *, end: int) -> Schedule:
    """A share that falls from `initial` at step 0 to 0 at step `end` and stays there: `fraction` of `Regrow`.

    f(t) = initial / 2 · (1 + cos(πt / end)) (RigL, Evci et al. 2020, arXiv:1911.11134).
    """
    check_sparsity(initial, "initial")
    if not end >= 1:
        raise ValueError(f"end must be at least step 1. Received: {end}.")
    return _schedule(lambda step: initial / 2 * (1 + np.cos(np.pi * np.clip(step / end, 0, 1))))


def iterative(final: float, *, rounds: int, every: int, begin: int = 0) -> Schedule:
    """A staircase: in each of `rounds` rounds the same share of the remaining weights is cut, then retrained.

    Round i = 1 … rounds starts at step begin + (i − 1) · every, with density (1 − final)^(i / rounds)
    (Han et al. 2015, arXiv:1506.02626; the rounds of lottery tickets, arXiv:1803.03635).
    """
    check_sparsity(final, "final")
    _check_step(begin, "begin")
    for name, value in {"rounds": rounds, "every": every}.items():
        if not (value >= 1 and value % 1 == 0):
            raise ValueError(f"{name} must be a whole number, at least 1. Received: {value}.")

    def stairs(step: np.ndarray) -> np.ndarray:
        done = np.clip((step - begin) // every + 1, 0, rounds)
        return np.where(done == rounds, final, 1 - (1 - final) ** (done / rounds))

    return _schedule(stairs)


def last_due(schedule: Schedule, every: int, since: int, now: int) -> float:
    """What a schedule asked for at the last due step in since + 1 … now; 0.0 if none was due.

    A step is due if `every` divides it, or if the schedule holds on to its value from there to the next step:
    at the end of a ramp, on the tread of a stair, after a single shot. So what is asked for is exact and on
    time whether or not `every` divides the steps, and depends on nothing but the step.
    Raises: ValueError or TypeError if the schedule leaves [0, 1).
    """

    def asked(step: int) -> float:
        return check_sparsity(schedule(step), f"The schedule's sparsity at step {step}")

    if now > since and now % every == 0:  # so that a table may end here
        return asked(now)
    first = max(since + 1, now // every * every)  # nothing before the last multiple matters
    for end in range(now, first - 1, -_AT_ONCE):
        steps, _, due = _due(schedule, every, max(first, end - _AT_ONCE + 1), end)
        if due.size:
            return asked(int(steps[due[-1]]))
    return 0.0


def next_due(schedule: Schedule, every: int, after: int, above: float) -> int:
    """When to look again: the first step behind `after` that is due and asks for more than `above`.

    Or an earlier one, where that lies far ahead or the schedule cannot say yet.
    """
    end = after + min(every, _AT_ONCE)
    try:
        steps, asked, due = _due(schedule, every, after + 1, end)
    except LookupError:  # a table that ends
        return after + 1
    due = due[asked[due] > above]
    return int(steps[due[0]]) if due.size else end


def _due(schedule: Schedule, every: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The steps from `first` to `last`, what is asked for at each, and the places of those that are due."""
    steps = np.arange(first, last + 2)
    asked = _asked(schedule, steps)
    due = (steps[:-1] % every == 0) | (asked[1:] == asked[:-1])
    return steps, asked, np.flatnonzero(due)


def _asked(schedule: Schedule, steps: np.ndarray) -> np.ndarray:
    """What a schedule asks for at many steps: at all in one go, if it takes arrays as ours do."""
    try:
        return np.broadcast_to(schedule(steps), steps.shape)
    except (TypeError, ValueError):  # "the truth value of an array is ambiguous", and the like
        return np.array([schedule(step) for step in steps.tolist()])


def _ramp(final: float, begin: int, end: int, initial: float, share: Callable) -> Schedule:
    """0 before `begin`, then from initial to final as `share` goes from 0 to 1, then exactly `final`."""
    _check_ramp(final, begin, end, initial)

    def ramp(step: np.ndarray) -> np.ndarray:
        risen = initial + (final - initial) * share(np.clip((step - begin) / max(end - begin, 1), 0, 1))
        return np.where(step < begin, 0.0, np.where(step >= end, final, risen))

    return _schedule(ramp)


def _schedule(of_array: Callable[[np.ndarray], np.ndarray]) -> Schedule:
    def schedule(step: float | np.ndarray) -> float | np.ndarray:
        # One number as an array, too: NumPy's powers of the two may differ in the last bit.
        sparsity = of_array(np.atleast_1d(np.asarray(step, np.float64)))
        return sparsity if np.ndim(step) else float(sparsity[0])

    return schedule


def _check_ramp(final: float, begin: int, end: int, initial: float) -> None:
    check_sparsity(final, "final")
    check_sparsity(initial, "initial")
    _check_step(begin, "begin")
    if not end >= begin:
        raise ValueError(f"end must not come before begin. Received: begin={begin}, end={end}.")
    if initial > final:
        raise ValueError(
            f"Sparsity must not fall: pruned weights stay pruned. Received: initial={initial}, final={final}."
        )


def _check_step(value: int, name: str) -> None:
    if not value >= 0:
        raise ValueError(f"{name} must be a step, 0 or later. Received: {value}.")
