"""The whole corpus by kind, and the order in which it is graded: honest neighbours between the hostile."""

import nasty_bombs
import nasty_cheats
import nasty_escapes
import nasty_files
import nasty_messages
import nasty_objects
import nasty_spies
from nasty_course import FULL, NO_CLEAR, QUIZ, RIGHT, WRONG, Case, code

Student = tuple[str, Case]
KINDS = {
    "cheats": nasty_cheats.CASES | nasty_objects.CASES,
    "forged messages": nasty_messages.CASES,
    "bombs": nasty_bombs.CASES,
    "escapes": nasty_escapes.CASES,
    "broken files": nasty_files.CASES,
    "leaks": nasty_spies.CASES,
}
EVERY: dict[str, Case] = {name: case for cases in KINDS.values() for name, case in cases.items()}
SHOW = "print('seed', np.random.default_rng(3).integers(9, size=4), len(dir()))"
HONEST = {
    "honest and right": Case(code(RIGHT, SHOW), FULL),
    "honest and half right": Case(code(RIGHT | {"clear": WRONG["clear"]}), NO_CLEAR),
    "honest and wrong": Case(code(WRONG), QUIZ),
}
BETWEEN = 12  # hostile ones between two honest ones


def in_order(corpus: dict[str, Case]) -> dict[str, Student]:
    """Return the class by folder name, in the order of grading; a student's number comes first."""
    honest, queue = list(HONEST.items()), []
    for place, (name, case) in enumerate(corpus.items()):
        if place % BETWEEN == 0:
            queue.append(honest[len(queue) % 3])
        queue.append((name, case))
    queue += honest
    numbered = enumerate(queue)
    return {
        f"{i:03} {name}": (name if name not in HONEST else f"{i:03} {name}", case)
        for i, (name, case) in numbered
    }
