"""The notebooks: in sync and clean, run to their end, and judge right and wrong answers rightly."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.planted import Block
from tools import check, check_answers, release
from tools.notebooks import KERNELSPEC, ROOT, lesson_names, released, source, stripped, text

LESSONS = lesson_names()


@pytest.mark.parametrize("checked", check.CHECKS, ids=lambda function: function.__name__)
def test_the_committed_notebooks_pass_every_check(checked):
    assert list(checked()) == []


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the course's notebooks in which a check may find something."""
    for folder in ("solutions", "lessons"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("answers.json", ".*"))
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    for module in (check, release, sys.modules["tools.notebooks"]):
        for name, value in {"ROOT": ".", "SOLUTIONS": "solutions", "LESSONS": "lessons"}.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, tmp_path / value)
    monkeypatch.setattr(sys.modules["tools.notebooks"].released, "__defaults__", (tmp_path / "lessons",))
    return tmp_path


def edit(path: Path, change) -> None:
    """Change a notebook's JSON: nbformat would mend on the way what a check is to find."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    change({cell["id"]: cell for cell in notebook["cells"]}, notebook)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


SPOILED = {
    "output left": (check.stripped_sources, "solutions", lambda c, n: c["setup"].update(execution_count=3)),
    "id used twice": (check.unique_ids, "solutions", lambda c, n: n["cells"].append(c["title"])),
    "test without hidden part": (
        check.sound_tests,
        "solutions",
        lambda c, n: c["test-sparsity"].update(source="1"),
    ),
    "region left open": (
        check.sound_tests,
        "solutions",
        lambda c, n: c["sparsity"].update(source=c["sparsity"]["source"].replace("### END SOLUTION", "")),
    ),
    "lesson edited by hand": (check.in_sync, "lessons", lambda c, n: c["title"].update(source="# Mine")),
    "solution leaked": (
        check.no_leak,
        "lessons",
        lambda c, n: c["sparsity"].update(source="# YOUR CODE HERE\n    return is_zero.mean()"),
    ),
    "hidden test leaked": (
        check.no_leak,
        "lessons",
        lambda c, n: c["title"].update(source='assert kept[6], "The largest weight should always stay."'),
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_each_check_finds_its_fault(course, name):
    find, folder, change = SPOILED[name]
    assert list(find()) == []
    edit(course / folder / "01_spare_weights" / "01_spare_weights.ipynb", change)
    assert any("01_spare_weights" in problem for problem in find()), name


def test_an_answer_file_among_the_solutions_is_refused(course):
    (course / "solutions" / "01_spare_weights" / "answers.json").write_text("{}")
    assert "would overwrite every student's answers" in "".join(check.no_answer_files())


def test_a_release_keeps_what_somebody_wrote(course, capsys):
    path = course / "lessons" / "01_spare_weights" / "01_spare_weights.ipynb"
    fresh = path.read_text()
    edit(path, lambda c, n: c["sparsity"].update(source="def sparsity(array):\n    return 0.5"))
    mine = path.read_text()
    (path.parent / "answers.json").write_text('{"count": "a"}')
    assert release.main(["01_spare_weights"]) == 0
    assert path.read_text() == fresh
    (kept,) = path.parent.glob("*.mine-*.ipynb")
    assert kept.read_text() == mine and (path.parent / "answers.json").read_text() == '{"count": "a"}'
    assert release.main(["01_spare_weights"]) == 0
    assert list(path.parent.glob("*.mine-*.ipynb")) == [kept], "nothing new to keep"


def test_a_release_that_fails_leaves_the_lesson_as_it_was(course, capsys):
    path = course / "lessons" / "01_spare_weights" / "01_spare_weights.ipynb"
    before = path.read_text()
    edit(
        course / "solutions" / "01_spare_weights" / "01_spare_weights.ipynb",
        lambda c, n: c["sparsity"].update(source=c["sparsity"]["source"].replace("### END SOLUTION", "")),
    )
    assert release.main(["01_spare_weights"]) == 1
    assert path.read_text() == before and "cannot release" in capsys.readouterr().err
    assert release.main(["99_nowhere"]) == 1 and "Known: 00_start_here" in capsys.readouterr().out


def test_stripping_keeps_code_and_marks_and_nothing_else():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1", execution_count=7)])
    notebook.cells[0].metadata = nbformat.from_dict({"tags": ["x"], "execution": {"t": 1}, "collapsed": True})
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    notebook.metadata.widgets = {"state": 1}
    clean = stripped(notebook)
    assert clean.cells[0].source == "1 + 1" and clean.cells[0].metadata == {"tags": ["x"]}
    assert clean.cells[0].outputs == [] and clean.cells[0].execution_count is None
    assert clean.metadata == {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    assert text(stripped(clean)) == text(clean)


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a real kernel, in a folder of its own."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=240, allow_errors=True, resources=resources).execute()
    return notebook


def errors(notebook: nbformat.NotebookNode) -> dict[str, str]:
    found = [(c["id"], o) for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return {name: f"{o.ename}: {o.evalue}" for name, o in found if o.output_type == "error"}


ON_PURPOSE = {"error-order", "error-return", "error-shape", "error-mutate"}


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_solved_notebook_runs_to_its_end_with_no_error_and_nothing_on_stderr(lesson, tmp_path):
    planted = check_answers.planted(lesson)
    answers = '{"try": "b"}'
    if planted.exists():
        blocks = check_answers.read_planted(planted)
        right = next(b.code for b in blocks if b.grade_id == "quiz" and not b.fails)
        answers = str(ast.literal_eval(right)).replace("'", '"')
    (tmp_path / "answers.json").write_text(answers)
    notebook = run(source(lesson), tmp_path)
    assert errors(notebook).keys() <= ON_PURPOSE, errors(notebook)
    streams = [
        o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"
    ]
    assert not [o.text for o in streams if o.name == "stderr"]


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_fresh_notebook_runs_to_its_end_and_every_check_gives_a_hint(lesson, tmp_path):
    notebook = run(released(lesson), tmp_path)
    tests = {
        c["id"]
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code"
    }
    found = errors(notebook)
    assert tests <= found.keys(), "a blank lesson passes no test"
    assert all(found[name].startswith(("Hint: ", "Unanswered: ")) for name in tests), found
    untagged = {c["id"] for c in notebook.cells if "raises-exception" not in c.metadata.get("tags", [])}
    assert not untagged & found.keys(), "Run All would stop here"


@pytest.mark.slow
@pytest.mark.parametrize("lesson", check_answers.lessons_with_answers())
def test_planted_answers_are_judged_rightly(lesson):
    judged = subprocess.run(
        [sys.executable, "-m", "tools.check_answers", lesson], cwd=ROOT, capture_output=True, text=True
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    blocks = check_answers.read_planted(check_answers.planted(lesson))
    exercises = {block.grade_id for block in blocks}
    for exercise in exercises - {"quiz"}:
        assert sum(b.grade_id == exercise and bool(b.fails) for b in blocks) >= 3, exercise
        assert sum(b.grade_id == exercise and not b.fails for b in blocks) >= 3, exercise


def test_a_planted_answer_meets_the_tests_that_see_it_and_what_these_need():
    sources = {
        "helps": "def helper(): return 1",
        "unrelated": "assert other",
        "sees": "assert answer(helper()); seen = 1",
        "sees_more": "assert seen",
        "changed": "assert len(listed) == 1",
        "test_quiz_one": "quiz.check('one')",
    }
    tests = [nbformat.v4.new_code_cell(s, metadata={"nbgrader": {"grade_id": n}}) for n, s in sources.items()]

    def met(code: str, name: str = "answer", fails: tuple = ()) -> set[str]:
        block = Block(name, "planted", code, fails)
        return check_answers.concerned(block, tests, {"listed": [], "other": 1, "json": json})

    assert met("def answer(x): return json.dumps(x)") == {"helps", "sees", "sees_more"}
    assert met("listed.append(other)") == {"changed"}, "a number cannot be changed in place, a list can"
    assert met("def answer(x): return x", fails=("unrelated",)) == set(sources) - {"changed", "test_quiz_one"}
    assert met("{'one': 'b'}", "quiz") == {"test_quiz_one"}
