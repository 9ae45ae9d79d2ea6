"""Checkpoint questions: the student chooses, the kernel writes `answers.json` beside the notebook.

    from course_lib import quiz

    quiz.ask("count", "A mask zeroes 90 % of a layer. How many numbers does the saved file hold?",
             options={"a": "a tenth", "b": "all of them"},
             says={"a": "That needs a format that leaves zeros out.", "b": "A zero is stored like the rest."})

The module knows no right answer, on purpose: it travels to students. `says` explains what choosing an option
implies; hidden tests, which stay with the teacher, assert `quiz.answer("count") == "b"`.
Without JavaScript, `quiz.choose("count", "b")` in a code cell does the same.
"""

from __future__ import annotations

from course_lib.quiz import store
from course_lib.quiz.question import Question

__all__ = ["Question", "answer", "ask", "check", "choose"]


class Unanswered(AssertionError):
    """A question has no answer yet; shown without a traceback, since no line of code is at fault."""

    def _render_traceback_(self) -> list[str]:  # IPython's hook
        return [f"Not yet: {self}"]


_asked: dict[str, Question] = {}


def ask(key: str, prompt: str, options: dict[str, str], says: dict[str, str]) -> Question:
    """Return a question to show as the last expression of a cell.

    An answer saved earlier is chosen again. Nothing is written until the student chooses.
    Raises ValueError when options and says differ in their letters, or the key belongs to another question.
    """
    if set(options) != set(says) or len(options) < 2:
        raise ValueError(
            f"Question {key!r}: options and says must have the same letters, two or more. "
            f"Received: options {sorted(options)}, says {sorted(says)}."
        )
    before = _asked.get(key)
    if before and before.prompt != prompt:
        raise ValueError(
            f"The key {key!r} already belongs to the question {before.prompt!r}. Give this one another key "
            "(or restart the kernel, if you only changed its wording)."
        )
    answers, trouble = store.read()
    letter = answers.get(key, "")
    if letter and letter not in options:
        trouble, letter = f"The saved answer {letter!r} is not one of these options: please choose again.", ""
    _asked[key] = Question(
        key=key, prompt=prompt, options=options, says=says, choice=letter, saved=letter, trouble=trouble
    )
    return _asked[key]


def choose(key: str, letter: str) -> None:
    """Save an answer from a code cell and print what it implies: the way without JavaScript.

    Raises ValueError when the question was asked in this kernel and has no such option.
    """
    question = _asked.get(key)
    if question and letter not in question.options:
        raise ValueError(
            f"Question {key!r} has the options {', '.join(question.options)}. Received: {letter!r}."
        )
    trouble = store.write(key, letter)
    print(f"Saved: {key} = {letter}", trouble, sep="\n" if trouble else "")
    if question:
        question.show_saved(letter, trouble)
        print(question.says[letter])


def answer(key: str) -> str | None:
    """Return the saved letter, or None while there is none."""
    return store.read()[0].get(key)


def check(key: str) -> None:
    """Raise AssertionError with a hint unless the question has an answer, right or wrong."""
    answers, trouble = store.read()
    if key in answers:
        return
    hint = (
        f"Question {key!r} has no answer yet: run its cell, choose an option, then run this cell again. "
        f"If no buttons appear, quiz.choose({key!r}, ...) with your letter does the same. {trouble}"
    )
    raise Unanswered(hint.rstrip())
