"""Planted answers: right and typically wrong code for every exercise, in `tests/planted/<LESSON>.py`.

Each block starts with `# %% <grade_id> :: <name> :: pass`, or with
`# %% <grade_id> :: <name> :: fails <tests' grade_ids> :: <part of a hint>`; the code follows.
Blocks of the id `quiz` hold a dict of answers.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

HEADER = "# %% "
QUIZ = "quiz"


@dataclass(frozen=True)
class Block:
    """One answer; `fails` names the tests that must refuse it, `hint` is a part of one of their messages."""

    grade_id: str
    name: str
    code: str
    fails: tuple[str, ...] = ()
    hint: str = ""

    @property
    def passes(self) -> bool:
        """Whether every test must accept it."""
        return not self.fails

    @property
    def answers(self) -> dict[str, str]:
        """The answers of a quiz block."""
        return ast.literal_eval(self.code)


def read_planted(path: Path) -> list[Block]:
    """Return the blocks of a file of planted answers.

    Raises ValueError naming the line whose header cannot be read.
    """
    blocks: list[tuple[Block, list[str]]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if line.startswith(HEADER) and "::" in line:
            blocks.append((_header(line, f"{path.name}:{number}"), []))
        elif blocks:
            blocks[-1][1].append(line)
    return [Block(b.grade_id, b.name, "\n".join(code).strip(), b.fails, b.hint) for b, code in blocks]


def _header(line: str, where: str) -> Block:
    match [part.strip() for part in line.removeprefix(HEADER).split("::", 3)]:
        case [grade_id, name, "pass"]:
            return Block(grade_id, name, "")
        case [grade_id, name, verdict, hint] if verdict.startswith("fails "):
            tests = verdict.removeprefix("fails ").split(",")
            return Block(grade_id, name, "", tuple(test.strip() for test in tests), hint)
    raise ValueError(f"{where}: neither ':: pass' nor ':: fails TEST :: HINT'. Received: {line!r}")
