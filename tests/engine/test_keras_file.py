"""Keras files: kept only if they load, opened with a sentence for what is none."""

import json
import os
import zipfile

import keras
import nets
import numpy as np
import pytest

from course_lib.pruning import hold, make_masks, report
from course_lib.pruning.ship.keras_file import open_keras, save_keras


@pytest.mark.parametrize("build", [nets.perceptron, nets.branches, nets.two_inputs, nets.words])
def test_the_model_comes_back(tmp_path, build):
    model = build()
    assert save_keras(model, tmp_path / "a.keras").difference.largest == 0
    for mine, theirs in zip(model.weights, open_keras(tmp_path / "a.keras").weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_pruned_and_compiled_model_keeps_its_zeros(tmp_path):
    model = nets.perceptron()
    model.compile("adam", "sparse_categorical_crossentropy")
    hold(model, make_masks(model, 0.8))
    model.fit(np.ones((8, 12)), np.zeros(8), verbose=0)
    save_keras(model, tmp_path / "a.keras")
    assert report(open_keras(tmp_path / "a.keras")) == report(model)


def test_a_model_that_would_not_load_again_is_not_written(tmp_path):
    model = nets.Subclassed()
    model(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"'Subclassed'.*register_keras_serializable.*a\.keras.*not kept"):
        save_keras(model, tmp_path / "a.keras")
    assert not os.listdir(tmp_path)


def test_a_loss_of_ones_own_does_not_keep_a_model_from_being_opened(tmp_path):
    def strange(y, scores):
        return keras.ops.mean(scores)

    model = nets.perceptron()
    model.compile("sgd", strange)
    model.save(tmp_path / "a.keras")
    found = open_keras(tmp_path / "a.keras")
    assert not found.compiled
    for mine, theirs in zip(model.weights, found.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_files_that_are_no_keras_3_model_get_a_sentence(tmp_path):
    import tf_keras

    old = tf_keras.Sequential([tf_keras.Input((2,)), tf_keras.layers.Dense(2)])
    old.save(tmp_path / "old.keras")
    old.save(tmp_path / "old.h5")
    old.save(tmp_path / "renamed.h5")
    os.replace(tmp_path / "renamed.h5", tmp_path / "renamed.keras")
    (tmp_path / "text.keras").write_text("hello")
    (tmp_path / "empty.keras").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as file:
        file.writestr("config.json", json.dumps([1]))
        file.writestr("metadata.json", "{}")
    whole = save_keras(nets.perceptron(), tmp_path / "whole.keras").path
    (tmp_path / "cut.keras").write_bytes(whole.read_bytes()[:5000])
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(tmp_path / "lambda.keras")
    for name, words in {
        "old.keras": r"Keras 2.*tf_keras",
        "old.h5": "format of Keras 2",
        "renamed.keras": "format of Keras 2",
        "text.keras": "no Keras model",
        "empty.keras": "no Keras model",
        "zip.keras": "no Keras model",
        "cut.keras": "no Keras model",
        "lambda.keras": "Lambda",
    }.items():
        with pytest.raises(ValueError, match=words) as found:
            open_keras(tmp_path / name)
        assert "\n" not in str(found.value) and name in str(found.value)
    with pytest.raises(ValueError, match="a folder, not a Keras file"):
        open_keras(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_keras(tmp_path / "none.keras")
