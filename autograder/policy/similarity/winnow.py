"""Fingerprints of token streams by winnowing (Schleimer, Wilkerson and Aiken, SIGMOD 2003), as in MOSS.

A copied passage of `SHINGLE + WINDOW - 1` tokens or more always shares a fingerprint, wherever it went.
"""

from collections.abc import Container, Iterator
from hashlib import blake2b
from typing import NamedTuple

from nbformat import NotebookNode

from autograder.policy.similarity.tokens import Token, tokens

SHINGLE = 12  # tokens that must agree in a row
WINDOW = 5  # of so many shingles in a row one is kept


class Place(NamedTuple):
    """Where a shingle stands: the number of the cell, its first and its last line."""

    cell: int
    first: int
    last: int


Prints = dict[int, list[Place]]


def shingles(stream: list[Token], cell: int = 0) -> list[tuple[int, Place]]:
    """Return the hash and the place of every `SHINGLE` tokens in a row."""
    found = []
    for i in range(len(stream) - SHINGLE + 1):
        part = stream[i : i + SHINGLE]
        text = "\0".join(token.text for token in part).encode("utf-8", "replace")
        number = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
        found.append((number, Place(cell, part[0].line, part[-1].line)))
    return found


def winnowed(found: list[tuple[int, Place]], known: Container[int] = ()) -> Iterator[tuple[int, Place]]:
    """Yield the smallest hash of every window, the rightmost of several, leaving out those known."""
    chosen = -1
    for start in range(max(len(found) - WINDOW + 1, min(len(found), 1))):
        window = [i for i in range(start, min(start + WINDOW, len(found))) if found[i][0] not in known]
        if window and (best := min(window, key=lambda i: (found[i][0], -i))) != chosen:
            chosen = best
            yield found[best]


def everything(cells: list[NotebookNode]) -> set[int]:
    """Return the hashes of all shingles of some cells: what everybody was given."""
    return {number for cell in cells for number, _ in shingles(tokens(cell))}


def prints(cells: list[NotebookNode], known: Container[int] = ()) -> Prints:
    """Return the fingerprints of a notebook's cells, each with its places."""
    found: Prints = {}
    for index, cell in enumerate(cells):
        for number, place in winnowed(shingles(tokens(cell), index), known):
            found.setdefault(number, []).append(place)
    return found
