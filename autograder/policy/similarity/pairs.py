"""Who shares what few others have: pairs of submissions, found through an index of fingerprints."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from math import log2
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder.course import Course, CourseError, check_lesson
from autograder.intake import Unreadable, find, read_cells
from autograder.master import load_master
from autograder.policy.similarity.winnow import Prints, everything, prints
from autograder.repair import repair

CROWD = 40  # what more people than that wrote is what one writes
FEW = 3  # shared passages that may be chance


@dataclass(frozen=True)
class Work:
    """What one student wrote: the cells, and their fingerprints."""

    student: str
    cells: list[NotebookNode]
    prints: Prints


@dataclass(frozen=True)
class Pair:
    """Two works, the share (0 to 1) of the smaller one's own passages that both have, and their hashes."""

    one: Work
    other: Work
    alike: float
    shared: frozenset[int]


def works(course: Course, lesson: str) -> tuple[list[Work], list[str]]:
    """Return what each student wrote, less the template and the model answer, and whose file is unreadable.

    Raises CourseError where there are not two to compare.
    """
    check_lesson(course, lesson)
    submissions, master = find(course, lesson), load_master(course, lesson)
    known = everything([*_given(course, course.source_directory, lesson), *master.cells])
    known |= everything(_given(course, course.release_directory, lesson))
    found, unreadable = [], []
    for submission in submissions:
        try:
            notebook, _ = repair(read_cells(submission.folder, lesson)[0], master)
        except Unreadable:
            unreadable.append(submission.student)
            continue
        own = [cell for cell in notebook.cells if not utils.is_locked(cell) and cell.cell_type != "raw"]
        found.append(Work(submission.student, own, prints(own, known)))
    if len(found) < 2:
        raise CourseError(f"There are not two readable submissions of {lesson!r} to compare: {len(found)}.")
    return found, unreadable


def _given(course: Course, folder: str, lesson: str) -> list[NotebookNode]:
    return nbformat.read(Path(course.path, folder, lesson, f"{lesson}.ipynb"), as_version=4).cells


def pairs(found: list[Work], least: float = 0.5) -> list[Pair]:
    """Return the pairs that share at least `least` of the smaller work, the most alike first.

    A passage weighs the more the fewer have it. Time grows with the number of works, not of pairs: a
    passage of more than `CROWD` works makes no pairs.
    """
    owners = defaultdict(list)
    for i, work in enumerate(found):
        for number in work.prints:
            owners[number].append(i)
    weights = {number: log2((len(found) + 1) / len(who)) for number, who in owners.items()}
    totals = [sum(weights[number] for number in work.prints) for work in found]
    shared, counts = _meetings(owners, weights)
    alike = {pair: weight / min(totals[i] for i in pair) for pair, weight in shared.items()}
    chosen = [pair for pair, share in alike.items() if share >= least and counts[pair] > FEW]
    chosen.sort(key=lambda pair: (-alike[pair], -shared[pair], pair))
    return [_pair(found[i], found[j], min(1.0, alike[i, j])) for i, j in chosen]


def _meetings(owners: dict, weights: dict) -> tuple[Counter, Counter]:
    """Return the weight and the number of the passages that two have in common, by pair."""
    shared, counts = Counter(), Counter()
    for number, who in owners.items():
        if 1 < len(who) <= CROWD:
            for pair in combinations(who, 2):
                shared[pair] += weights[number]
                counts[pair] += 1
    return shared, counts


def _pair(one: Work, other: Work, alike: float) -> Pair:
    return Pair(one, other, alike, frozenset(one.prints.keys() & other.prints.keys()))
