"""A tiny course without TensorFlow: two functions, a quiz, partial credit and a written answer."""

import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course import Course, open_course

LESSON = "01_tiny"
CONFIG = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "lessons"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\n..."}
"""
SECRET = "assert double(-3) == -6, 'negative numbers count too'"
DOUBLE = "def double(x):\n    return 2 * x"
COUNT = "def count_zeros(values):\n    return sum(v == 0 for v in values)"
ANSWERS = {"double": DOUBLE, "count": COUNT, "why": "Because zeros cost nothing."}
RIGHT = {"test_double": 1, "test_double_more": 2, "test_count": 2, "test_quiz": 1, "why": 0}


def cell(kind, source, grade_id, **flags):
    meta = {"grade": False, "solution": False, "locked": False, "schema_version": 3, "task": False, **flags}
    made = kind(source)
    made.metadata = {"nbgrader": {"grade_id": grade_id, **meta}}
    if flags.get("grade") and not flags.get("solution"):
        made.metadata["tags"] = ["raises-exception"]
    return made


def solution(name, function):
    """The cell of an exercise: the first line of a function is given, the rest is the solution."""
    body = function.replace("\n", "\n    ### BEGIN SOLUTION\n", 1) + "\n    ### END SOLUTION"
    return cell(new_code_cell, body, name, solution=True)


def graded(name, source, points):
    """A locked cell that tests."""
    return cell(new_code_cell, source, name, grade=True, locked=True, points=points)


def notebook_of(cells):
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def write_course(root: Path, lesson: str, notebook, extra: dict[str, str], config: str = CONFIG) -> Course:
    """A course of one lesson, whose folder has these files besides."""
    folder = root / "solutions" / lesson
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{lesson}.ipynb")
    for name, text in extra.items():
        (folder / name).write_text(text)
    (root / "nbgrader_config.py").write_text(config)
    return open_course(root)


def source_notebook():
    hidden = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
    partial = "n = sum([count_zeros([0]) == 1, count_zeros([]) == 0, count_zeros([0, 0]) == 2, 1])\nn / 2"
    quiz = "answers = json.load(open('answers.json'))\nassert answers.get('count') == 'b', 'read it again'"
    cells = [
        new_markdown_cell("# Tiny lesson"),
        cell(new_code_cell, "import json", "imports", locked=True),
        solution("double", DOUBLE),
        graded("test_double", "assert double(2) == 4, 'twice two is four'", 1),
        graded("test_double_more", hidden.format(SECRET), 2),
        new_markdown_cell("Now count."),
        solution("count", COUNT),
        graded("test_count", partial, 2),
        graded("test_quiz", quiz, 1),
        cell(new_markdown_cell, "*Because.*", "why", grade=True, solution=True, points=3),
    ]
    return notebook_of(cells)


def make_course(root: Path) -> Course:
    return write_course(root, LESSON, source_notebook(), {"helper.txt": "support file"})


def released(course: Course):
    return nbformat.read(course.path / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)


def by_id(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def filled(course: Course, **answers):
    """The released notebook with all right answers, except for those given (None leaves the stub)."""
    notebook = released(course)
    for name, code in (ANSWERS | answers).items():
        if code is not None:
            by_id(notebook, name).source = code
    return notebook


def submit(course: Course, student: str, content, quiz="b", name=f"{LESSON}.ipynb"):
    folder = course.path / "submitted" / student / LESSON
    folder.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(data)
    if quiz:
        (folder / "answers.json").write_text(json.dumps({"count": quiz}))
    return folder
