"""Differences, tolerances, and files that are whole or not there."""

import os
from pathlib import Path

import keras
import nets
import numpy as np
import pytest

from course_lib.pruning.ship.compare import check, difference, examples, tolerance_of
from course_lib.pruning.ship.files import replacing


def test_the_difference_of_two_outputs_by_hand():
    got, expected = np.array([[1.0, 2.0], [0.0, 4.0]]), np.array([[1.0, 3.0], [5.0, 4.0]])
    found = difference([got], [expected])
    assert found.largest == 5 / 5
    assert found.typical == pytest.approx(np.sqrt(26 / 4) / np.sqrt(51 / 4))
    assert found.agreement == 0.5


def test_of_several_outputs_the_worst_counts():
    same, off = np.ones((2, 2)), np.ones((2, 2)) * 1.5
    assert difference([same, off], [same, same]).largest == 0.5
    assert difference([np.ones(3)], [np.ones(3)]).agreement is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_without_a_value_cannot_agree(bad):
    for got, expected in [([1.0], [bad]), ([np.nan], [1.0])]:
        with pytest.raises(ValueError, match="NaN or infinite"):
            difference([np.array([got])], [np.array([expected])])


def test_other_shapes_are_a_difference():
    with pytest.raises(ValueError, match="shapes"):
        difference([np.ones((1, 2))], [np.ones((1, 3))])


def test_a_wrong_file_is_told_from_a_right_one():
    model = nets.perceptron()
    right = lambda x: np.asarray(model(x))  # noqa: E731
    assert check(right, model).largest == 0
    with pytest.raises(ValueError, match=r"does not compute .* Received"):
        check(lambda x: right(x) + 1e-3, model)
    assert check(lambda x: right(x) + 1e-3, model, tolerance=1e-2).largest == pytest.approx(1e-3, rel=1)


def test_random_examples_fit_every_input():
    assert [a.shape for a in examples(nets.two_inputs(), count=5)] == [(5, 6), (5, 6)]
    (words,) = examples(nets.words())
    assert words.min() >= 0 and words.max() < 20 and (words == words.round()).all()
    fixed = keras.Input(batch_shape=(4, None, 2))
    assert examples(keras.Model(fixed, fixed * 2.0))[0].shape == (4, 64, 2)


def test_examples_may_come_by_name_and_must_be_all():
    zeta, alpha = np.zeros((9, 6)), np.ones((9, 6))
    found = examples(nets.two_inputs(), {"alpha": alpha, "zeta": zeta}, count=3)
    np.testing.assert_array_equal(found, [zeta[:3], alpha[:3]])
    with pytest.raises(ValueError, match="No values for the inputs"):
        examples(nets.two_inputs(), {"alpha": alpha})
    with pytest.raises(ValueError, match="2 inputs"):
        examples(nets.two_inputs(), alpha)


def test_half_precision_is_allowed_to_round():
    half = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype="mixed_float16")])
    assert tolerance_of(half) > tolerance_of(nets.perceptron()) == 1e-5


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path, ".npz") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.npz"]
    with replacing(path, ".npz") as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["a.npz"]


def test_places_that_take_no_file_get_a_sentence(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").write_text("")
    for path, kind, words in [
        (tmp_path / "a.txt", ValueError, r"must end in \.npz"),
        (tmp_path / "folder.npz", OSError, "a folder where"),
        (tmp_path / "nowhere" / "a.npz", OSError, "Cannot write"),
        (tmp_path / "file" / "a.npz", OSError, "Cannot write"),
    ]:
        with pytest.raises(kind, match=words), replacing(path, ".npz") as temporary:
            Path(temporary).write_text("")
