"""Rows and columns of a table in equal groups, so that the blocks where they meet hold much of its sum."""

from __future__ import annotations

import numpy as np


def blocks(table: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """(in, out) scores ≥ or < 0 → the group of each row and of each column, all equally large.

    Never worse than the order as it is. Best of two starts, each improved by turns until nothing is gained.
    """
    size = table.shape[1] // groups
    starts = [np.arange(table.shape[1]) // size, _alike(table, groups)]
    found = [_by_turns(table, groups, columns) for columns in starts]
    return max(found, key=lambda both: _inside(table, *both))


def blocks_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(…, in, out) bool → the groups of rows and columns that a mask joins; None if it is no such mask."""
    every = mask.reshape(-1, *mask.shape[-2:])
    first = every[0]
    if not (every == first).all() or first.all() or not first.any():
        return None
    starts = first.argmax(axis=1)  # rows of one group begin at one column
    columns = np.full(first.shape[1], -1)
    rows = np.full(first.shape[0], -1)
    for number, start in enumerate(dict.fromkeys(starts.tolist())):
        rows[starts == start] = number
        columns[first[:, start] @ first > 0] = number
    equal = all(np.ptp(np.bincount(part + 1)[1:]) == 0 and part.min() == 0 for part in (rows, columns))
    return (rows, columns) if equal and np.array_equal(first, rows[:, None] == columns) else None


def _by_turns(table: np.ndarray, groups: int, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, best = np.arange(len(table)) // (len(table) // groups), -np.inf
    while (now := _inside(table, rows, columns)) > best:
        best = now
        rows = _assigned(table @ np.eye(groups)[columns], rows)
        columns = _assigned(table.T @ np.eye(groups)[rows], columns)
    return rows, columns


def _assigned(gain: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Swap pairs between groups as long as that raises the sum of gain[i, group of i]: (n,)."""
    group, best = start.copy(), gain.max(axis=1)
    tolerance = 1e-12 * max(1.0, np.abs(best).max())
    while True:
        here = gain[np.arange(len(group)), group]
        # What is won by moving the best member of one group to another, (from, to).
        moves = gain - here[:, None]
        won = np.stack(
            [np.where((group == g)[:, None], moves, -np.inf).max(axis=0) for g in range(gain.shape[1])]
        )
        pairs = won + won.T
        one, other = np.unravel_index(np.argmax(pairs), pairs.shape)
        if one == other or pairs[one, other] <= tolerance:
            return group
        members = [np.flatnonzero(group == g) for g in (one, other)]
        i = members[0][np.argmax(moves[members[0], other])]
        j = members[1][np.argmax(moves[members[1], one])]
        group[i], group[j] = other, one


def _alike(table: np.ndarray, groups: int) -> np.ndarray:
    """Columns in groups around those that are least alike."""
    length = np.linalg.norm(table, axis=0)
    unit = table / np.where(length > 0, length, 1)
    seeds = [int(length.argmax())]
    while len(seeds) < groups:
        near = (unit.T @ unit[:, seeds]).max(axis=1)
        near[seeds] = np.inf
        seeds.append(int(near.argmin()))
    start = np.arange(table.shape[1]) // (table.shape[1] // groups)
    return _assigned(unit.T @ unit[:, seeds], start)


def _inside(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    return float(table[rows[:, None] == columns].sum())
