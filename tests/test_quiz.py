"""quiz: answers on disk, the widget's kernel side, the fallback, and silence without a front end."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib import quiz

OPTIONS = {"a": "a tenth", "b": "all of them", "c": "nine tenths"}
SAYS = {"a": "Says a.", "b": "Says b.", "c": "Says c."}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory and a kernel in which nothing was asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quiz, "_asked", {})
    return tmp_path


def ask(key: str = "count", prompt: str = "How many?") -> quiz.Question:
    return quiz.ask(key, prompt, OPTIONS, SAYS)


def saved() -> dict[str, str]:
    return json.loads(Path("answers.json").read_text())


def test_asking_and_showing_write_nothing(folder):
    question = ask()
    question._ipython_display_()
    assert list(folder.iterdir()) == []
    assert (question.choice, question.saved) == ("", "")


def test_a_choice_is_saved_and_restored(monkeypatch):
    ask().choice = "b"
    assert saved() == {"count": "b"}
    assert quiz.answer("count") == "b"
    quiz.check("count")
    again = ask()
    assert (again.choice, again.saved, again.trouble) == ("b", "b", "")


def test_answers_merge_and_may_change():
    first, second = ask("one", "First?"), ask("two", "Second?")
    first.choice, second.choice = "a", "c"
    first.choice = "b"
    assert saved() == {"one": "b", "two": "c"}


def test_another_kernels_answer_survives():
    question = ask()
    Path("answers.json").write_text('{"other": "a"}')
    question.choice = "c"
    assert saved() == {"other": "a", "count": "c"}


def test_a_letter_that_is_no_option_is_not_saved():
    ask().choice = "z"
    assert not Path("answers.json").exists()


def test_restoring_does_not_write():
    Path("answers.json").write_text('{"count":"b"}')
    ask()
    assert Path("answers.json").read_text() == '{"count":"b"}'


def test_a_saved_letter_that_is_no_option_any_more_is_said():
    Path("answers.json").write_text('{"count": "e"}')
    question = ask()
    assert question.choice == "" and "'e' is not one of these" in question.trouble


@pytest.mark.parametrize("broken", ["", "{", "[1, 2]", '{"count": 3}', "null", '\ufeff{"count": "b"}'])
def test_a_broken_file_is_kept_aside_when_answering_and_not_before(broken):
    Path("answers.json").write_text(broken, encoding="utf-8")
    question = ask()
    assert "cannot be read" in question.trouble and quiz.answer("count") is None
    assert [p.name for p in Path().iterdir()] == ["answers.json"]
    question.choice = "b"
    assert saved() == {"count": "b"}
    assert Path("answers.json.broken-1").read_text(encoding="utf-8") == broken
    assert "answers.json.broken-1" in question.trouble


def test_bytes_that_are_no_text_are_broken_too_and_every_broken_file_is_kept():
    for number in (1, 2):
        Path("answers.json").write_bytes(b"\xff\xfe" * number)
        quiz.choose("count", "a")
    assert sorted(p.name for p in Path().glob("*.broken-*")) == [
        "answers.json.broken-1",
        "answers.json.broken-2",
    ]
    assert Path("answers.json.broken-1").read_bytes() == b"\xff\xfe"


def test_a_failed_write_is_said_and_leaves_the_old_file(monkeypatch):
    quiz.choose("other", "a")
    question = ask()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    question.choice = "b"
    assert "No space left" in question.trouble and question.saved == ""
    assert saved() == {"other": "a"}
    assert [p.name for p in Path().iterdir()] == ["answers.json"]


def test_a_grader_may_read_the_file():
    mask = os.umask(0o022)
    try:
        quiz.choose("count", "b")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(Path("answers.json").stat().st_mode) == 0o644


def test_choose_saves_prints_and_moves_the_buttons(capsys):
    question = ask()
    quiz.choose("count", "b")
    assert capsys.readouterr().out == "Saved: count = b\nSays b.\n"
    assert (question.choice, question.saved) == ("b", "b")


def test_choose_validates_only_what_was_asked():
    ask()
    with pytest.raises(ValueError, match="has the options a, b, c. Received: 'd'"):
        quiz.choose("count", "d")
    quiz.choose("never_asked", "d")
    assert quiz.answer("never_asked") == "d"


def test_check_hints():
    with pytest.raises(AssertionError, match="Question 'count' has no answer yet: run its cell, choose"):
        quiz.check("count")


def test_a_key_belongs_to_one_question():
    ask()
    ask()  # the same cell, run again
    with pytest.raises(ValueError, match="key 'count' already belongs to the question 'How many\\?'"):
        ask(prompt="How much?")


@pytest.mark.parametrize("says", [{"a": "x"}, {"a": "x", "b": "y", "d": "z"}])
def test_options_and_says_must_agree(says):
    with pytest.raises(ValueError, match="same letters"):
        quiz.ask("count", "How many?", OPTIONS, says)


def test_the_repr_tells_how_to_load_it():
    assert repr(ask()) == "Question 'count': run this cell to load it; not answered yet"
    quiz.choose("count", "b")
    assert repr(ask()) == "Question 'count': run this cell to load it; saved answer: b"


def test_the_static_twin_needs_nothing_and_cannot_be_broken_out_of():
    question = quiz.ask("x", "</script><b>`1 < 2`", {"a": "</script>", "b": "{}"}, {"a": "A", "b": "B"})
    question.choice = "a"
    page = question.to_html()
    assert page.count("</script>") == 1 and "http" not in page
    assert '"choice": ""' in page  # a page for everyone shows nobody's answer


def test_quiet_and_working_when_executed_without_a_front_end(folder):
    question = f"quiz.ask('count', 'How many?', {OPTIONS!r}, {SAYS!r})"
    sources = [
        "import os\nfrom course_lib import quiz",
        question,
        "quiz.choose('count', 'b')",
        question,
        "quiz.check('count')",
        f"os.environ['COURSE_STATIC'] = '1'\n{question}",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert not [o for o in outputs if o.get("name") == "stderr" or o.output_type == "execute_result"]
    assert "saved answer: b" in notebook.cells[3].outputs[0].data["text/plain"]
    assert saved() == {"count": "b"}
    (static,) = notebook.cells[-1].outputs
    assert "course-static" in static.data["text/html"] and len(static.data) == 2  # with text/plain: no widget
