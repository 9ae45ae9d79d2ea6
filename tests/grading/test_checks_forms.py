"""Liars, records, handles, generators: how single kinds of things travel."""

import dataclasses
import functools
import json
import sys
from collections import namedtuple

import numpy as np
import pytest
import scipy.sparse
from checks_help import carried, ends

from autograder.checks.arrays import array_bytes
from autograder.checks.wire import Garbage


class LyingInt(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class LyingList(list):
    def __eq__(self, other):
        return True


class LyingArray(np.ndarray):
    def __eq__(self, other):
        return np.ones(1, bool)


def test_a_lying_subclass_arrives_as_what_it_is():
    near, far = ends()
    sent = (LyingInt(3), LyingList([1]), np.zeros(2).view(LyingArray))
    number, many, array = carried(far, near, sent)
    assert type(number) is int and number != 4
    assert type(many) is list and many != [2]
    assert type(array) is np.ndarray and not (array == 1).any()


Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Found:
    score: float
    masks: dict

    def __eq__(self, other):
        return True


def test_records_arrive_by_attribute():
    near, far = ends()
    pair, found = carried(far, near, (Pair(1, [2]), Found(0.5, {"a": np.ones(2)})))
    assert pair._fields == ("left", "right") and pair.right == [2]
    assert found.score == 0.5 and type(found).__name__ == "Found"
    assert found != carried(far, near, Found(0.25, {}))


def test_what_has_no_form_is_a_handle_that_comes_home():
    near, far = ends()
    came = carried(far, near, [gathered := lambda x: x])
    assert came[0][0] == 1
    assert far.unpack({"value": {"yours": 1}, "things": {}}) is gathered


def test_what_nobody_uses_any_more_is_let_go():
    near, far = ends()
    kept = [np.zeros(3)]
    for _ in range(5):
        carried(near, far, [kept, np.ones(2), {"a": [1]}])
    gone = near.unused()
    far.forget(gone)
    assert set(near.things) == set(far.things) and len(near.things) == 2
    kept[0][0] = 7
    assert json.dumps(near.pack(kept)["things"]).count("array") == 1


def test_generators_of_random_numbers_go_on_where_they_were():
    near, far = ends()
    random, twin = np.random.default_rng(3), np.random.default_rng(3)
    theirs = carried(near, far, random)
    theirs.normal(size=5)
    carried(far, near, None)
    twin.normal(size=5)
    assert random.normal() == twin.normal()


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
@pytest.mark.parametrize("whole", ["matrix", "array"])
def test_a_sparse_matrix_keeps_its_format_and_its_changes(kind, whole):
    near, far = ends()
    dense = np.arange(24.0).reshape(4, 6) * (np.arange(24).reshape(4, 6) % 3 == 0)
    sent = getattr(scipy.sparse, f"{kind}_{whole}")(dense)
    came = carried(near, far, sent)
    assert type(came) is type(sent) and np.array_equal(came.toarray(), dense)
    vars(came).update(vars(type(came)(2 * dense)))
    carried(far, near, None)
    assert np.array_equal(sent.toarray(), 2 * dense)


def test_a_sparse_matrix_with_wrong_places_is_refused():
    near, far = ends()
    message = far.pack(scipy.sparse.csr_matrix(np.eye(3)))
    [(kind, state)] = message["things"].values()
    state[2][1] = array_bytes(np.full(3, 10**6, "int32"))
    with pytest.raises(Garbage):
        near.unpack(message)


def test_no_class_is_made_in_the_checker():
    near, far = ends()
    lying = functools.partial(type, "Lying", (float,), {"__eq__": lambda *a: True})
    assert type(carried(far, near, [lying])[0]) is tuple  # a handle
    message = far.pack(functools.partial(carried))
    [(kind, state)] = [one for one in message["things"].values() if one[0] == "partial"]
    state[0] = {"fixed": "type"}
    with pytest.raises(Garbage):
        near.unpack(message)


def test_a_change_in_what_nobody_holds_any_more_is_still_told():
    near, far = ends()
    theirs = [np.zeros(2)]
    carried(far, near, theirs)[0][0] = 5  # as in `student.mask[0] = 5`
    near.unused()
    carried(near, far, None)
    assert theirs[0].tolist() == [5, 0]


def test_a_module_arrives_by_name_if_both_have_it():
    near, far = ends()
    assert carried(far, near, json) is json
    assert type(carried(far, near, sys.modules["__main__"])) is tuple
    assert near.unpack({"value": {"module": ["turtledemo.chaos", 1, {}]}, "things": {}}) == (1, {})
    assert near.unpack({"value": {"module": ["autograder.checks.wire", 1, {}]}, "things": {}}) == (1, {})
