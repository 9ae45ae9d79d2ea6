"""A hint names what was wanted and what came, and shows no frames of the library."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import expect

ROW = np.zeros((2, 3))


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int64(0), np.array(0.25)])
def test_numbers_of_every_kind_pass(value):
    expect.number(value, "f(x)", between=(0, 1))


@pytest.mark.parametrize(
    "value, words",
    [
        (None, r"f\(x\) returned None\. Replace the `\.\.\.`"),
        (..., "returned Ellipsis"),
        (True, "one number. Received: bool True"),
        ("0.5", "one number. Received: str '0.5'"),
        ([1, 2], "Received: a list of length 2"),
        (ROW, r"Received: an array of shape \(2, 3\) and type float64"),
        (b"\x1f" * 90, "Received: bytes .{1,40}\\.\\.\\.\\."),
        (1.5, "should lie between 0 and 1. Received: 1.5"),
        (float("nan"), "should lie between 0 and 1. Received: nan"),
    ],
)
def test_anything_else_is_named(value, words):
    with pytest.raises(expect.Hint, match=words):
        expect.number(value, "f(x)", between=(0, 1))


def test_arrays_of_the_right_shape_and_type_pass():
    expect.array(ROW, "f(x)", like=ROW)
    expect.array(ROW > 0, "f(x)", like=ROW, dtype=bool)


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "returned None"),
        ([[0, 0, 0], [0, 0, 0]], "Received: a list of length 2"),
        (ROW.ravel(), r"shape \(2, 3\) and type bool\. Received: an array of shape \(6,\)"),
        (ROW, r"type bool\. Received: an array of shape \(2, 3\) and type float64"),
        (0.5, "Received: float 0.5"),
    ],
)
def test_other_arrays_are_named(value, words):
    with pytest.raises(expect.Hint, match=words):
        expect.array(value, "f(x)", like=ROW, dtype=bool)


def test_dicts_with_the_wanted_names_pass_in_any_order():
    expect.names({"b": 1, "a": None}, "f(x)", like=["a", "b"])
    expect.names({}, "f(x)", like={})
    expect.names({2: 0, 1: 0}, "f(x)", like=[1, 2])


@pytest.mark.parametrize(
    "value, words",
    [
        (None, r"returned None\. Replace"),
        (ROW, r"a dict with an entry for each name\. Received: an array of shape \(2, 3\)"),
        ({}, "no entry for 'a'. Received: an empty dict"),
        ({"b": 1, "c": 2}, "no entry for 'a'. Received: b, c"),
        ({"a": 1, "b": 2, "c": 3}, "an entry too many: 'c'. Wanted: a, b"),
    ],
)
def test_other_dicts_are_named(value, words):
    with pytest.raises(expect.Hint, match=words):
        expect.names(value, "f(x)", like=["a", "b"])


def test_a_tuple_or_list_with_as_many_parts_as_names_passes():
    expect.parts((1, None), "f(x)", like=["a", "b"])
    expect.parts([np.zeros(3)], "f(x)", like=["a"])


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "returned None. Replace"),
        (..., "returned Ellipsis. Replace"),
        ((1, 2, 3), "should return 2 things: kernel, bias. Received: a tuple of length 3"),
        ([], "a list of length 0"),
        (np.zeros(2), "an array of shape (2,)"),
        ({"a": 1, "b": 2}, "dict"),
    ],
)
def test_other_parts_are_named(value, words):
    with pytest.raises(expect.Hint, match=re.escape(words)):
        expect.parts(value, "f(x)", like=["kernel", "bias"])


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.integers(0, 10**6))
def test_a_changed_argument_is_noticed_and_an_unchanged_one_is_not(values, place):
    before = np.array(values)
    expect.unchanged(before, before.copy(), "f")
    after = before.copy()
    after[place % len(after)] = np.nan
    with pytest.raises(expect.Hint, match="f changed the array"):
        expect.unchanged(before, after, "f")


def test_a_notebook_shows_the_sentence_alone():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    result = shell.run_cell("from course_lib import expect\nexpect.number(None, 'f(x)')")
    assert result.error_in_exec._render_traceback_() == [
        "Not yet: f(x) returned None. Replace the `...` by your code, and end with `return` and your result."
    ]


def test_an_object_of_the_class_passes_and_others_are_named():
    expect.kind([1], "f(x)", list)
    expect.kind(np.float32(1), "f(x)", np.floating)
    with pytest.raises(expect.Hint, match=r"f\(x\) should return a list. Received: a tuple of len"):
        expect.kind((1, 2), "f(x)", list)
    with pytest.raises(expect.Hint, match=r"f\(x\) returned Ellipsis"):
        expect.kind(..., "f(x)", list)


def test_names_need_not_be_text():
    with pytest.raises(expect.Hint, match="entry too many: 3. Wanted: 1, 2"):
        expect.names({1: 0, 2: 0, 3: 0}, "f(x)", like=[1, 2])
