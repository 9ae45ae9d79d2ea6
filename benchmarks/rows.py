"""Results of long runs: one JSON line each, so that an interrupted run goes on; and how they are shown."""

import json
import os
from pathlib import Path

import numpy as np


def read(path: Path) -> list[dict]:
    """The rows written so far; a line that was cut off when the run stopped is taken out of the file."""
    text = path.read_text("utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        replaced(path, whole)
    return [json.loads(line) for line in whole.splitlines()]


def add(path: Path, row: dict) -> None:
    """One more row, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def replaced(path: Path, text: str) -> None:
    """A file with this text, whole at any time."""
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    os.replace(part, path)


def mean(values: list[float], scale: float = 100) -> str:
    """Mean ± standard error, in percent unless told; of one value the value, of none a dash."""
    values = scale * np.array([v for v in values if v is not None])
    if len(values) < 2:
        return f"{values[0]:.1f}" if len(values) else "–"
    return f"{values.mean():.1f} ± {values.std(ddof=1) / np.sqrt(len(values)):.1f}"


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    rows = [head, ["---", *["--:"] * (len(head) - 1)], *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def write(path: Path, mark: str, text: str) -> None:
    """Put `text` between `<!-- mark -->` and `<!-- end of mark -->`. Raises: ValueError without these."""
    page, start, end = path.read_text("utf-8"), f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    if page.count(start) != 1 or page.count(end) != 1:
        raise ValueError(f"{path} must have the lines {start.strip()!r} and {end!r} once.")
    replaced(path, page.split(start)[0] + start + "\n" + text + "\n\n" + end + page.split(end)[1])
