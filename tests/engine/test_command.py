"""python -m course_lib.pruning: a user's own file pruned and exported, or a sentence and nothing written."""

import os
import subprocess
import sys

import keras
import nets
import numpy as np
import pytest

from course_lib.pruning import report
from course_lib.pruning.__main__ import main
from course_lib.pruning.ship.archive import unpack
from course_lib.pruning.ship.keras_file import open_keras


@pytest.fixture
def place(tmp_path):
    """A folder with a compiled model, and data for it."""
    model = nets.perceptron()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "mine.keras")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(40, 12)).astype("float32"), y=rng.integers(0, 3, 40))
    np.savez(tmp_path / "other.npz", x=np.zeros((4, 11), "float32"))
    np.savez(tmp_path / "labels.npz", x=np.zeros((4, 12), "float32"), y=np.full(4, 7))
    return tmp_path


def test_it_prunes_tunes_and_writes_every_export(place, capsys):
    arguments = (
        f"{place}/mine.keras --sparsity 0.75 --structured 0.5 --block 4x1 --epochs 1 --criterion taylor"
    )
    assert main([*arguments.split(), "--data", f"{place}/data.npz", "--out", f"{place}/deep/out"]) == 0
    said = capsys.readouterr().out
    pruned = open_keras(place / "deep/out/pruned.keras")
    assert [layer.units for layer in pruned.layers] == [16, 8, 3]
    assert report(pruned).all.sparsity == pytest.approx(0.75, abs=0.02) and "accuracy" in said
    assert sorted(os.listdir(place / "deep/out")) == [
        "pruned.keras",
        "pruned.npz",
        "pruned.tflite",
        "pruned_int8.tflite",
        "pruned_int8_sparse.tflite",
        "pruned_runnable.npz",
        "pruned_sparse.tflite",
    ]
    for path, array in unpack(place / "deep/out/pruned.npz").items():
        np.testing.assert_array_equal(array, next(v for v in pruned.weights if v.path.endswith(path)))


def test_what_it_writes_carries_no_memory_of_an_optimizer(place):
    """Adam keeps two numbers for each weight: of a model that was trained, twice its size."""
    model = open_keras(place / "mine.keras")
    model.fit(np.zeros((4, 12)), np.zeros(4), verbose=0)
    model.save(place / "mine.keras")
    assert main([f"{place}/mine.keras", "--sparsity", "0.5", "--out", f"{place}/out"]) == 0
    pruned = open_keras(place / "out/pruned.keras")
    assert getattr(pruned, "optimizer", None) is None
    bare = keras.models.clone_model(pruned)
    bare.save(place / "bare.keras")
    assert os.path.getsize(place / "out/pruned.keras") <= os.path.getsize(place / "bare.keras") + 500


def test_labels_that_do_not_fit_leave_accuracy_out(place, capsys):
    np.savez(place / "odd.npz", x=np.zeros((4, 12), "float32"), y=np.full(4, 0.5))
    asked = [f"{place}/mine.keras", "--sparsity", "0.5", "--data", f"{place}/odd.npz"]
    assert main([*asked, "--out", f"{place}/out"]) == 0
    assert "Accuracy was not checked. The labels must be" in capsys.readouterr().out


def test_an_out_folder_may_be_there_and_what_is_refused_is_told_from_what_is_old(place, capsys):
    asked = [f"{place}/mine.keras", "--sparsity", "0.5", "--out", f"{place}/out"]
    assert main(asked) == 0
    nets.words().save(place / "words.keras")
    capsys.readouterr()
    assert main([f"{place}/words.keras", *asked[1:]]) == 3
    assert "pruned_runnable.npz: not written." in (said := capsys.readouterr().out)
    assert "The one in the folder is from an earlier run." in said
    assert open_keras(place / "out/pruned.keras").name == "words"


def test_without_data_it_says_that_accuracy_was_not_checked(place, capsys):
    given = (place / "mine.keras").read_bytes()
    assert main([f"{place}/mine.keras", "--sparsity", "0.5", "--out", f"{place}/out"]) == 0
    said = capsys.readouterr().out
    assert "not checked" in said and "50.0%" in said
    assert (place / "mine.keras").read_bytes() == given


def test_an_export_that_is_refused_does_not_stop_the_others(place, capsys):
    nets.words().save(place / "words.keras")
    assert main([f"{place}/words.keras", "--sparsity", "0.5", "--out", f"{place}/out"]) == 3
    assert "pruned_runnable.npz: not written. The NumPy runtime has no rule for" in capsys.readouterr().out
    assert not (place / "out/pruned_runnable.npz").exists() and (place / "out/pruned.tflite").exists()


def test_a_layer_of_ones_own_comes_with_its_code(place, capsys):
    code = (
        "import keras\n@keras.saving.register_keras_serializable('own')\n"
        "class Twice(keras.layers.Layer):\n    def call(self, x):\n        return x * 2\n"
    )
    (place / "own.py").write_text(code)
    scope = {}
    exec(code, scope)
    keras.Sequential([keras.Input((4,)), scope["Twice"](), keras.layers.Dense(3)]).save(place / "own.keras")
    keras.saving.get_custom_objects().clear()
    asked = [f"{place}/own.keras", "--sparsity", "0.5", "--out", f"{place}/out"]
    assert main(asked) == 1 and "'Twice'" in capsys.readouterr().err
    assert main([*asked, "--code", f"{place}/own.py"]) == 3  # the NumPy runtime does not know it


def refused(place, capsys, *arguments, out=None):
    """The one sentence on standard error; nothing was written."""
    before = sorted(p for p in place.rglob("*"))
    assert main([*map(str, arguments), "--out", str(out or place / "out")]) == 1
    said = capsys.readouterr()
    last = said.err.splitlines()[-1]  # TensorFlow writes to standard error as well
    assert last.startswith("Nothing was written. ") and "Traceback" not in said.err
    assert sorted(p for p in place.rglob("*")) == before
    return last


@pytest.mark.parametrize(
    "options, words",
    [
        ("", "Nothing to prune"),
        ("--sparsity 80", "Did you mean 0.8"),
        ("--sparsity -0.5", "Received: -0.5"),
        ("--sparsity 0.9999", "cannot be met"),
        ("--structured 0.5 --sparsity 1", "Received: 1"),
        ("--structured 0.99", "cannot be met"),
        ("--sparsity 0.9 --block 12x32", "cannot be met"),
        ("--sparsity 0.5 --data other.npz", "inputs of shape (None, 12)"),
        ("--sparsity 0.5 --data labels.npz --epochs 1", "Fine-tuning failed"),
        ("--sparsity 0.5 --code data.npz", "--code"),
        ("--sparsity 0.5 --code none.py", "no such file"),
        ("--sparsity 0.5 --criterion taylor", "--data"),
        ("--sparsity 0.5 --epochs 2", "--data"),
        ("--sparsity 0.5 --data mine.keras", "must be an .npz"),
        ("--sparsity 0.5 --data none.npz", "must be an .npz"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(place, capsys, monkeypatch, options, words):
    monkeypatch.chdir(place)
    assert words in refused(place, capsys, "mine.keras", *options.split())


def test_files_that_are_no_model_are_one_sentence(place, capsys):
    import tf_keras

    old = tf_keras.Sequential([tf_keras.Input((2,)), tf_keras.layers.Dense(2)])
    old.save(place / "old.keras")
    (place / "text.keras").write_text("no model")
    for name, words in {"old": "tf_keras", "text": "no Keras model", "none": "no such file"}.items():
        assert words in refused(place, capsys, place / f"{name}.keras", "--sparsity", 0.5)


def test_places_that_cannot_be_written_are_one_sentence(place, capsys):
    (place / "file").write_text("")
    asked = [place / "mine.keras", "--sparsity", 0.5]
    assert "Cannot write" in refused(place, capsys, *asked, out=place / "file")
    assert "Cannot write" in refused(place, capsys, *asked, out=place / "file" / "deeper")
    os.replace(place / "mine.keras", place / "pruned.keras")
    assert "replace the given one" in refused(
        place, capsys, place / "pruned.keras", "--sparsity", 0.5, out=place
    )


def test_fine_tuning_needs_a_compiled_model(place, capsys):
    nets.perceptron().save(place / "bare.keras")
    options = ["--sparsity", 0.5, "--epochs", 1, "--data", place / "data.npz"]
    assert "compiled before saving" in refused(place, capsys, place / "bare.keras", *options)


def test_it_is_a_command(tmp_path):
    asked = [sys.executable, "-m", "course_lib.pruning", "none.keras", "--sparsity", "0.5", "--out", tmp_path]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 1 and "no such file" in done.stderr and "Traceback" not in done.stderr
