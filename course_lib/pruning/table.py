"""Tables: how everything here that has rows prints, as text and in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

Rows = Iterable[Sequence[str]]


def as_text(rows: Rows, left: int = 1) -> str:
    """Rows of cells, the first of them the head, as lines of one width; the first `left` columns are words.

    Words stand on the left of their column, numbers on the right, so that digits line up.
    """
    rows = [tuple(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def as_html(rows: Rows, left: int = 1, caption: str = "") -> str:
    """The same rows as an HTML table, with header cells that a screen reader can announce."""
    head, *body = [tuple(map(str, row)) for row in rows]
    top = "".join(f'<th scope="col"{_side(i, left)}>{escape(cell)}</th>' for i, cell in enumerate(head))
    lines = "".join(f"<tr>{_line(row, left)}</tr>" for row in body)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _line(row: Sequence[str], left: int) -> str:
    first = f'<th scope="row"{_side(0, left)}>{escape(row[0])}</th>'
    return first + "".join(f"<td{_side(i, left)}>{escape(c)}</td>" for i, c in enumerate(row) if i)


def _side(column: int, left: int) -> str:
    return f' style="text-align:{"left" if column < left else "right"}"'
