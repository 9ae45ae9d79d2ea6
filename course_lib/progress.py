"""How far you are: reads your notebooks and answers as last saved; sends nothing anywhere."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

MARKS = {"passed": "✓", "not yet": "✗", "not run": "○", "written": "✎"}


@dataclass(frozen=True)
class Step:
    """One graded cell of a lesson: its name, its state (a key of `MARKS`) and its points."""

    lesson: str
    name: str
    state: str
    points: float


@dataclass(frozen=True)
class Progress:
    """The graded cells of one or more lessons; shows as a table in a notebook."""

    steps: list[Step]

    @property
    def done(self) -> int:
        """How many cells passed their visible check, or hold a written answer."""
        return sum(step.state in ("passed", "written") for step in self.steps)

    def __repr__(self) -> str:
        rows = [f"{MARKS[s.state]} {s.lesson:20} {s.name:28} {s.state}" for s in self.steps]
        return "\n".join([*rows, self._sum()])

    def _sum(self) -> str:
        if not self.steps:
            return "No graded cell found: is the notebook saved, and does it still have its name?"
        return f"{self.done} of {len(self.steps)} done (as last saved: press Ctrl+S first)."

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{MARKS[s.state]}</td><td style='text-align:left'>{escape(s.lesson)}</td>"
            f"<td style='text-align:left'>{escape(s.name)}</td><td style='text-align:left'>{s.state}</td>"
            f"<td>{s.points:g}</td></tr>"
            for s in self.steps
        )
        return (
            "<table><thead><tr><th></th><th>lesson</th><th>exercise</th><th>state</th><th>points</th></tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{self._sum()}</p>"
        )


def show(lesson: str | None = None, folder: str | Path = ".") -> Progress:
    """The state of every graded cell of `lesson` in this folder, or of all lessons in the folders beside it.

    A notebook that cannot be read is left out and said on a line.
    """
    here = Path(folder)
    paths = [here / f"{lesson}.ipynb"] if lesson else sorted(here.resolve().parent.glob("[0-9]*/*.ipynb"))
    steps: list[Step] = []
    for path in paths:
        if lesson is None and path.stem != path.parent.name:
            continue  # a copy of a lesson
        try:
            steps += read(path)
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, OSError):
            print(f"{path.name} cannot be read as a notebook: save it, then run this cell again.")
    return Progress(steps)


def read(path: Path) -> list[Step]:
    """The graded cells of one saved notebook, in order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    graded = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade")]
    return [Step(path.stem, *_name_state_points(cell)) for cell in graded]


def _name_state_points(cell: dict) -> tuple[str, str, float]:
    nbgrader = cell["metadata"]["nbgrader"]
    name = nbgrader["grade_id"].removeprefix("test_").replace("_", " ")
    if nbgrader.get("solution"):
        blank = "*Write your answer here.*" in "".join(cell["source"])
        state = "not yet" if blank else "written"
    elif not cell.get("execution_count"):
        state = "not run"
    else:
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        state = "not yet" if failed else "passed"
    return name, state, nbgrader.get("points", 0)
