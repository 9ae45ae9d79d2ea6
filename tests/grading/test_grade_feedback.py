"""What a student sees: the hints, never the hidden tests, and nothing that runs."""

import re
import shutil

import pytest
from tiny_course import DOUBLE, LESSON, SECRET, filled, released, submit

from autograder.course import open_course
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.hide import without_hidden
from autograder.master import load_master
from autograder.repair import repair

ROUGH = "def double(x):\n    if x < 0: raise KeyError(x)\n    return 4"
EVIL_TEXT = "<script>alert(8)</script> [x](javascript:alert(9)) [y](data:text/html,<b>)"
FORBIDDEN = re.compile(r"<(script|iframe|svg|object)|\son\w+=|javascript:|style=|href=.data:")
SPY = """import inspect, traceback
def double(x):
    for frame in inspect.stack()[1:3]:
        print(frame.code_context)
    traceback.print_stack()
    print(In[-1], repr(In[-1]))
    return abs(2 * x)"""
TELLS = """import logging, os, warnings
def double(x):
    warnings.warn("from where?", stacklevel=2)
    logging.getLogger().error("who?", stack_info=True)
    if x < 0: os._exit(1)
    return 2 * x"""
NOSY = "%tb\nprint(In)\nprint(repr(In[-3]))\nfrom IPython.display import HTML, Markdown, SVG\n"
NOSY += "display(HTML('<pre>' + In[-2].replace('<', '&lt;') + In[-3] + '</pre>'))\n"
NOSY += "from IPython.display import Code\ndisplay(Code(In[-3], language='python'))\n"
EVIL = """from IPython.display import HTML, Markdown, SVG, Javascript
evil = '<script>alert(1)</script><img src=x onerror="alert(2)"><a href="javascript:alert(3)">go</a>'
evil += '<svg onload="alert(4)"></svg><iframe src="//evil.example"></iframe>'
evil += '<b style="x:expression(5)">bold</b>'
display(HTML(evil), Markdown(evil), Javascript('alert(6)'), SVG('<svg xmlns="http://www.w3.org/2000/svg"/>'))
display({'image/png': '"><script>alert(7)</script>'}, raw=True)
print(evil)
"""


@pytest.fixture(scope="module")
def pages(released_course, tmp_path_factory):
    root = tmp_path_factory.mktemp("feedback") / "course"
    shutil.copytree(released_course.root, root)
    course = open_course(root)
    submit(course, "wrong", filled(course, double="def double(x):\n    return abs(2 * x)"))
    submit(course, "raises", filled(course, double=ROUGH))
    submit(course, "spy", filled(course, double=SPY, count=NOSY))
    submit(course, "tells", filled(course, double=TELLS))
    submit(course, "evil", filled(course, count=EVIL, why=EVIL_TEXT))
    submit(course, "evil<script>alert(10)</script>".replace("/", ""), b"{", quiz=None)
    grade(course, LESSON, jobs=2)
    return {path.parent.parent.name: path.read_text("utf-8") for path in write_feedback(course, LESSON)}


def test_hidden_tests_are_nowhere(pages):
    for name, page in pages.items():
        text = re.sub(r"<[^>]*>", "", page)
        for form in (SECRET, SECRET.replace("'", "&#39;"), SECRET.replace("'", "&#x27;"), "double(-3)"):
            assert form not in page and form not in text, name


def test_neither_warnings_nor_logs_nor_a_dead_kernel_tell(pages):
    assert "The kernel died in Cell" in re.sub(r"<[^>]*>", "", pages["tells"])
    assert "who?" in pages["tells"] and "negative numbers" not in pages["tells"]


def test_the_hint_is_there(pages):
    assert "negative numbers count too" in pages["wrong"]
    assert "KeyError: -3" in pages["raises"]
    assert "Score: 4 of 9" in pages["wrong"]


def test_visible_tests_keep_their_source(pages):
    assert "twice two is four" in re.sub(r"<[^>]*>", "", pages["wrong"])


def test_nothing_runs(pages):
    for name, page in pages.items():
        tags = re.findall(r"<[^>]*>", page)
        assert not [tag for tag in tags if FORBIDDEN.search(tag)], name
        assert "default-src 'none'" in page
    assert "<b>bold</b>" in pages["evil"]


def test_hidden_tests_leave_the_notebook_too(course):
    master = load_master(course, LESSON)
    assert master.hidden_lines("test_double_more")[1:2] == [SECRET]
    notebook, _ = repair(released(course).cells, master)
    assert SECRET in str(notebook) and SECRET not in str(without_hidden(notebook, master))
    assert DOUBLE not in str(notebook)
