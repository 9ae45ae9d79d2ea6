"""Which names a test takes from around it, and where the checker gets them."""

import pytest
from nbformat.v4 import new_code_cell
from tiny_course import cell

from autograder.checks.lesson import asked_for, checks
from autograder.checks.names import names_of, parsed, patched
from autograder.master import Master, grade_id

CODE = {
    "x": {"x"},
    "x = 1\nx": set(),
    "y = x\nx = 1": {"x"},
    "x += 1": {"x"},
    "x: int = y": {"y"},
    "print(len(x))": {"x"},
    "[x for x in y if z]": {"y", "z"},
    "[y for x in y for y in x]": {"y"},
    "{k: v for k, v in t.items()}": {"t"},
    "f(lambda a, b=c: a + b + d)": {"f", "c", "d"},
    "def f(a, *b, c=d, **e):\n    return a, b, c, e, g\n": {"d", "g"},
    "def f():\n    return later\nlater = 1": set(),
    "def f():\n    x = 1\n    def g():\n        return x + y\n    return g": {"y"},
    "def f():\n    global x\n    x = y": {"y"},
    "def f():\n    return f": set(),
    "class A(B):\n    x = y\n    def m(self):\n        return x, z": {"B", "y", "x", "z"},
    "import a.b as c, d.e\nc, d": set(),
    "from a import b\nb": set(),
    "for i in n:\n    i, j": {"n", "j"},
    "with a as b, b.c as d:\n    d": {"a"},
    "try:\n    a\nexcept b as c:\n    c": {"a", "b"},
    "x.y = z": {"x", "z"},
    "x[y] = z": {"x", "y", "z"},
    "if (n := f()) > 1:\n    n": {"f"},
    "match x:\n    case {'a': [b, *c], **d}:\n        b, c, d, e": {"x", "e"},
    "assert np.all([p(q) for q in r]), f'{s:{t}}'": {"np", "p", "r", "s", "t"},
    "%time x": set(),
}


@pytest.mark.parametrize("code", CODE)
def test_free_names(code):
    import ast

    found = set(names_of(ast.Module(parsed(code), [])).loads)
    assert found == CODE[code]


def test_what_is_patched_in_a_module():
    tree = parsed("real = time.time\ntime.perf_counter = time.time = lambda: 0\nx.y.z = 1\n")
    assert patched(tree) == [["time", "perf_counter"], ["time", "time"]]


def master_of(*cells):
    kinds = {"answer": {"solution": True}, "test": {"grade": True, "locked": True, "points": 1}}
    made = []
    for i, (kind, source) in enumerate(cells):
        name = f"{kind}_{i}"
        made.append(
            cell(new_code_cell, source, name, **kinds[kind]) if kind in kinds else new_code_cell(source)
        )
    graded = [one for one in made if grade_id(one)]
    return Master("01", graded, {grade_id(one): "" for one in graded}, {}, made)


def test_the_lesson_s_own_things_are_run_and_the_student_s_are_fetched():
    master = master_of(
        (
            "text",
            "import math\nimport gzip\nLEVELS = [1, 2]\ndef helper(x):\n    return math.floor(x) + bias",
        ),
        ("text", "bias = 3"),
        (
            "answer",
            "import zlib\nclass Keep:\n    pass\ndef answer(x):\n    return x",
        ),
        ("test", "made = helper(1)\ndef own(x):\n    return answer(x) + zlib.crc32(b'')\nown(LEVELS[0])"),
        ("text", "bias = helper(4)"),
        ("test", "made, own(2), bias, Keep()"),
    )
    first, second = checks(master).values()
    assert first.statements == [
        "import math",
        "def helper(x):\n    return math.floor(x) + bias",
        "import zlib",
    ]
    assert sorted(first.fetched) == ["LEVELS", "answer", "bias"] and not first.left
    assert sorted(second.fetched) == ["Keep", "answer", "bias"] and second.left == ["made"]
    assert "Keep" in asked_for(master)


def test_what_an_earlier_hidden_test_defines_never_comes_from_the_student():
    hidden = "def answer(x): return x\n### BEGIN HIDDEN TESTS\ndef _secret(): return 1\n### END HIDDEN TESTS"
    master = master_of(("test", hidden), ("test", "_secret()"))
    _, second = checks(master).values()
    assert second.fetched == second.left == second.statements == []


def test_short_names_of_what_is_imported_are_the_lesson_s():
    master = master_of(
        ("text", "import keras\nnet = made()\nlayers = keras.layers\ndense = layers.Dense\nw = net.weights"),
        ("test", "dense(2), w"),
        ("answer", "dense = 3"),
        ("test", "dense"),
    )
    first, second = checks(master).values()
    assert first.statements == ["import keras", "layers = keras.layers", "dense = layers.Dense"]
    assert first.fetched == ["w"] and first.aliases == ["dense", "layers"]
    assert second.fetched == ["dense"] and not second.aliases
