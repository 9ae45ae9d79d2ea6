"""What is sent arrives: the same data, the same sharing, changes in both directions; and nothing but data."""

import math

import numpy as np
import pytest
from checks_help import carried, ends
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.checks.wire import Garbage

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.sampled_from([..., NotImplemented, int, list, ValueError, np.float32, np.dtype("int16")])
    | st.builds(slice, st.integers() | st.none(), st.integers() | st.none())
    | st.builds(range, st.integers(-9, 9), st.integers(-9, 9))
    | st.fractions()
    | st.decimals(allow_nan=False)
)
DTYPES = hnp.scalar_dtypes() | hnp.array_dtypes(max_size=2)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
SCALARS = hnp.arrays(hnp.scalar_dtypes(), ()).map(lambda a: a[()])
HASHABLE = st.booleans() | st.integers() | st.text() | st.binary()
DATA = st.recursive(
    PLAIN | ARRAYS | SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE | st.tuples(HASHABLE, HASHABLE), inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def same(a, b):
    """Whether two values are alike in type and content, NaN being like NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and np.shape(a) == np.shape(b) and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b) or a != a and b != b
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    return a == b


@given(DATA)
@settings(max_examples=150, deadline=None)
def test_data_arrives_as_it_was_sent(value):
    near, far = ends()
    assert same(carried(near, far, value), value)


@given(st.lists(DATA, min_size=1, max_size=3), st.randoms())
@settings(max_examples=60, deadline=None)
def test_what_was_one_thing_stays_one_thing(values, random):
    near, far = ends()
    sent = [random.choice(values) for _ in range(6)]
    came = carried(near, far, [sent, values])
    shared = (list, dict, set, np.ndarray)
    for i, a in enumerate(sent):
        for j, b in enumerate(sent):
            if isinstance(a, shared):
                assert (came[0][i] is came[0][j]) == (a is b)


@given(DATA)
@settings(max_examples=60, deadline=None)
def test_what_both_know_is_not_sent_again_and_comes_home_as_itself(value):
    near, far = ends()
    box = [value]
    came = carried(near, far, box)
    assert near.pack(box)["things"] == {} and far.pack(came)["things"] == {}
    assert carried(far, near, came) is box


@given(DATA, DATA)
@settings(max_examples=60, deadline=None)
def test_changes_arrive_in_the_very_same_things(value, other):
    near, far = ends()
    box, table = [value], {"a": value}
    theirs = carried(near, far, (box, table))
    theirs[0].append(other)
    theirs[1]["b"] = theirs[0]
    carried(far, near, None)
    assert same(box[1], other) and table["b"] is box
    box.clear()
    carried(near, far, None)
    assert theirs[0] == []


@given(hnp.arrays(DTYPES, (2, 3)))
@settings(max_examples=60, deadline=None)
def test_an_array_is_changed_in_place_and_through_views(array):
    near, far = ends()
    whole = np.stack([array, array]).reshape(4, 3)
    start = whole[:2].copy()
    theirs = carried(near, far, whole[2:])
    theirs[...] = np.zeros(1, array.dtype)
    carried(far, near, None)
    assert same(whole[2:].copy(), theirs.copy()) and same(whole[:2].copy(), start)


@given(JSON, st.dictionaries(st.text(max_size=3), JSON, max_size=3))
@settings(max_examples=200, deadline=None)
def test_nonsense_is_refused_with_one_exception(body, things):
    near, _ = ends()
    try:
        near.unpack({"value": body, "things": things})
    except Garbage:
        pass


@pytest.mark.parametrize(
    "body",
    [
        {"known": ["os", "system"]},
        {"known": ["subprocess", "Popen"]},
        {"fixed": "eval"},
        {"fixed": "__import__"},
        {"number": "load"},
        {"dtype": "O"},
        {"scalar": ["|O", [], "C", "AAAAAAAAAAA="]},
        {"tuple": [["os", "x, y = __import__('os').system('x')"], ["a"], [1]]},
        {"theirs": 3},
        {"yours": 1},
        {"ref": "c1"},
    ],
)
def test_no_name_leads_to_code(body):
    near, _ = ends()
    with pytest.raises(Garbage):
        near.unpack({"value": body, "things": {}})


@pytest.mark.parametrize(
    "state", [["|O", [1], "C", "AAAAAAAAAAA="], ["<f8", [10**12], "C", ""], ["<f8", [2], "C", "AA"]]
)
def test_an_array_is_as_large_as_its_bytes(state):
    near, _ = ends()
    with pytest.raises(Garbage):
        near.unpack({"value": None, "things": {"s1": ["array", state]}})


def test_a_key_of_ones_own_is_not_taken_from_the_other_side():
    near, _ = ends()
    with pytest.raises(Garbage):
        near.unpack({"value": None, "things": {"c9": ["list", []]}})
