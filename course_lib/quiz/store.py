"""`answers.json` in the working directory: read without writing, written whole or not at all, never lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

ANSWERS = "answers.json"


def read() -> tuple[dict[str, str], str]:
    """Return the answers, and a sentence (else "") if the file holds something else."""
    try:
        answers = json.loads(Path(ANSWERS).read_text("utf-8"))
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError):
        answers = None
    if isinstance(answers, dict) and all(isinstance(letter, str) for letter in answers.values()):
        return answers, ""
    return {}, f"{ANSWERS} cannot be read; it will be kept under another name when you answer."


def write(key: str, letter: str) -> str:
    """Merge one answer into the file; return a sentence (else "") if a broken file had to be set aside.

    Raises OSError when the file cannot be written; the old one is then untouched.
    """
    answers, trouble = read()
    # Beside the target, because os.replace is atomic only within one file system. Opened plainly rather than
    # through tempfile, whose private mode (0600) would keep a grader from reading the submitted file.
    draft = Path(f".{ANSWERS}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(answers | {key: letter}, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        if trouble:
            trouble = (
                f"{ANSWERS} could not be read: it is kept as {_set_aside()}. Look over your other answers."
            )
        os.replace(draft, ANSWERS)
    finally:
        draft.unlink(missing_ok=True)
    return trouble


def _set_aside() -> str:
    number = 1
    while os.path.lexists(name := f"{ANSWERS}.broken-{number}"):
        number += 1
    os.replace(ANSWERS, name)
    return name
