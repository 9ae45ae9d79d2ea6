"""Grade the hostile corpus in a process of its own: `python nasty_batch.py FOLDER [NAME...]`.

Writes FOLDER/report.json: of every submission the state, the reason, the scores and the page, and all texts
that a student or an instructor would get to see.
"""

import json
import os
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from nasty_corpus import EVERY, HONEST, Student, in_order
from nasty_course import LESSON, make_course

from autograder.__main__ import main
from autograder.course import open_course
from autograder.store import gradebook, results


def graded(root: Path, students: dict[str, Student]) -> dict:
    """Make a course, hand everything in, grade it and write all that there is to give back."""
    course = make_course(root)
    for student, (_, case) in students.items():
        case.make(
            course, Path(os.fsencode(root).decode("utf-8", "surrogateescape"), "submitted", student, LESSON)
        )
    where, start = ["--course", str(root)], time.monotonic()
    codes = [main(["grade", LESSON, *where, "--jobs", "2", "--json", str(root / "all.json")])]
    seconds = time.monotonic() - start
    codes.append(main(["feedback", LESSON, *where]))
    codes.append(main(["export", LESSON, *where, "--out", str(root / "all.csv")]))
    codes.append(main(["status", LESSON, *where]))
    return collected(open_course(root), {s: name for s, (name, _) in students.items()}, codes, seconds)


def collected(course, names: dict[str, str], codes: list[int], seconds: float) -> dict:
    found, scores = results.load(course, LESSON), gradebook.scores(course, LESSON)
    pages = {
        p.parent.parent.name: p.read_text("utf-8") for p in course.path.glob(f"feedback/*/{LESSON}/*.html")
    }
    report = {}
    for student, name in names.items():
        result, score = found.get(student), scores.get(student)
        report[name] = {
            "state": result.state if result else "none",
            "reason": result.reason if result else "",
            "scores": {k: got for k, (got, _) in score.cells.items() if k != "why"} if score else {},
            "most": score.max_score if score else 0,
            "page": pages.get(student, ""),
            "outputs": outputs(result.notebook) if result else "",
        }
    tables = [(course.path / name).read_text("utf-8") for name in ("all.json", "all.csv")]
    return {"codes": codes, "seconds": seconds, "students": report, "tables": tables}


def outputs(notebook) -> str:
    """What students' code has written: all outputs of ordinary cells, and what test cells print or show."""
    found = []
    for cell in notebook.cells:
        test = cell.metadata.get("nbgrader", {}).get("grade")
        kinds = ("stream", "display_data") if test else ("stream", "display_data", "execute_result", "error")
        found += [o for o in cell.get("outputs", []) if o.output_type in kinds]
    return json.dumps(found)


def run(folder: Path, chosen: list[str]) -> None:
    """Grade the honest alone, then the whole class, and report."""
    with (folder / "said.txt").open("w") as said, redirect_stdout(said), redirect_stderr(said):
        alone = graded(folder / "alone", {f"{name} alone": (name, case) for name, case in HONEST.items()})
        corpus = {name: case for name, case in EVERY.items() if not chosen or name in chosen}
        together = graded(folder / "class", in_order(corpus))
    report = {"alone": alone, "class": together, "said": (folder / "said.txt").read_text("utf-8")}
    report["user"] = os.getuid()
    report["memory"] = _peak()
    (folder / "report.json").write_text(json.dumps(report))


def _peak() -> int:
    """The most memory this process ever held, in bytes (ru_maxrss counts in the one that started it)."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
