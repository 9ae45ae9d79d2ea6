"""A quiz question in JupyterLab, in Notebook 7, in a reopened notebook and in a page without a kernel."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from course_lib import quiz

OPTIONS = {"a": "a tenth as many", "b": "as many as before", "c": "nine tenths as many"}
SAYS = {
    "a": "That needs a format that leaves zeros out; a dense array does not.",
    "b": "A zero takes its four bytes like any other `float32`.",
    "c": "Which ones were left out, then?",
}
PROMPT = "A mask sets 90 % of a layer's weights to zero. How many numbers does the saved `.keras` file hold?"
ASK = f"from course_lib import quiz\nquiz.ask('count', {PROMPT!r},\n  {OPTIONS!r},\n  {SAYS!r})"


def answers(lab) -> dict[str, str]:
    return json.loads((lab.folder / "answers.json").read_text())


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_arrow_keys_choose_and_the_kernel_saves(lab, app):
    lab.write("quiz.ipynb", ASK, "quiz.check('count')")
    lab.open("quiz.ipynb", app)
    lab.run_all()
    expect(lab.page.get_by_text("Question · not answered yet")).to_be_visible()
    assert not (lab.folder / "answers.json").exists()
    assert "Question 'count' has no answer yet" in lab.output(1).inner_text()
    lab.page.get_by_role("radio", name="a a tenth as many").check()
    lab.page.keyboard.press("ArrowDown")
    chosen = lab.page.get_by_role("radio", name="b as many as before")
    expect(chosen).to_be_checked()
    expect(chosen).to_be_focused()
    expect(lab.page.get_by_role("status").filter(has_text="If b: A zero takes")).to_be_visible()
    expect(lab.page.get_by_text("Question · answer b saved")).to_be_visible()
    assert answers(lab) == {"count": "b"}
    expect(lab.page.get_by_role("group", name="A mask sets 90 %")).to_be_visible()
    lab.screenshot(f"question-{app}", lab.output(0))


def test_a_restart_keeps_the_answer_and_a_reopened_notebook_names_it(lab):
    lab.write("quiz.ipynb", ASK, "quiz.check('count')")
    lab.open("quiz.ipynb")
    lab.run_all()
    note = lab.page.locator(".quiz-note")
    expect(note).to_be_hidden()
    lab.page.get_by_role("radio", name="as many as before").check()
    expect(lab.page.get_by_text("answer b saved")).to_be_visible()

    lab.restart()
    lab.run_all()
    expect(lab.page.get_by_role("radio", name="as many as before")).to_be_checked()
    assert lab.output(1).inner_text().strip() == ""

    lab.page.get_by_role("radio", name="nine tenths").check()
    expect(lab.page.get_by_text("answer c saved")).to_be_visible()
    lab.save()
    lab.close()
    lab.open("quiz.ipynb")
    expect(note).to_be_visible()
    expect(note).to_contain_text("run this cell to load it; saved answer: c")

    text = (lab.folder / "quiz.ipynb").read_text()
    (lab.folder / "downloaded.ipynb").write_text(text.replace("quiz.check", "quiz.answer"))  # so: not trusted
    lab.open("downloaded.ipynb")
    expect(lab.output(0)).to_contain_text("run this cell to load it; saved answer: c")
    assert lab.output(0).inner_text().count("run this cell") == 1


def test_the_dark_theme_is_readable(lab):
    lab.write("quiz.ipynb", ASK)
    lab.open("quiz.ipynb")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        assert lab.contrast(".quiz :is(p, legend, span, div):not(:empty)") >= 4.5
        lab.page.get_by_role("radio", name="as many as before").check()
        expect(lab.page.get_by_text("answer b saved")).to_be_visible()
        assert lab.contrast(".quiz :is(p, legend, span, div, code):not(:empty)") >= 4.5
        lab.screenshot(f"question-{theme.lower()}", lab.output(0))
        (lab.folder / "answers.json").unlink()


def test_the_static_twin_works_from_a_file(static_page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    question = quiz.ask("count", PROMPT, OPTIONS, SAYS)
    page, requests = static_page(question.to_html() * 2)
    page.get_by_role("radio", name="a tenth as many").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("status").first).to_have_text(f"If c: {SAYS['c']}")
    expect(page.get_by_role("status").nth(1)).to_have_text("")  # two questions on a page are two groups
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []
