"""The runtime in NumPy: equal to Keras, and runnable where neither Keras nor TensorFlow is."""

import shutil
import subprocess
import sys

import keras
import nets
import numpy as np
import pytest

from course_lib import models
from course_lib.pruning import make_masks
from course_lib.pruning.ship import runtime
from course_lib.pruning.ship.archive import pack
from course_lib.pruning.ship.compare import answers, examples

layers = keras.layers


def packed(model, path, **how):
    return runtime.numpy_runtime(pack(model, path, runnable=True, **how).path)


def agree(model, run, x=None):
    arrays = examples(model, x)
    got = run(arrays if len(arrays) > 1 else arrays[0])
    expected = answers(model, arrays)
    for one, other in zip(got if isinstance(got, list) else [got], expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("form", ["best", "csr", "bsr"])
@pytest.mark.parametrize("build", [nets.perceptron, nets.branches, nets.two_inputs])
def test_it_equals_keras(tmp_path, build, form):
    model = build()
    make_masks(model, 0.7).apply(model)
    agree(model, packed(model, tmp_path / "a.npz", form=form))


@pytest.mark.parametrize("build", [models.dense_digits, models.conv_digits, models.residual_digits])
def test_it_equals_keras_on_the_models_of_the_course(tmp_path, build):
    model = nets.stirred(build())
    agree(model, packed(model, tmp_path / "a.npz"))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [(7, 10), (8, 5)])
def test_windows_lie_where_keras_puts_them(tmp_path, padding, strides, size):
    x = keras.Input((*size, 2))
    outs = [
        layers.Conv2D(3, (3, 2), strides, padding)(x),
        layers.MaxPooling2D((3, 2), strides, padding)(x),
        layers.AveragePooling2D((2, 3), strides, padding)(x),
        layers.DepthwiseConv2D(3, strides, padding)(x),
    ]
    model = nets.stirred(keras.Model(x, outs))
    agree(model, packed(model, tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "name", "relu relu6 softmax sigmoid tanh silu elu softplus leaky_relu linear".split()
)
def test_activations_equal_those_of_keras(tmp_path, name):
    model = keras.Sequential([keras.Input((40,)), layers.Activation(name)])
    agree(model, packed(model, tmp_path / "a.npz"), np.linspace(-90, 90, 1200).reshape(-1, 40))


def test_layers_that_are_activations_keep_their_settings(tmp_path):
    x = keras.Input((40,))
    relu = layers.ReLU(max_value=3.0, negative_slope=0.3, threshold=0.7)(x)
    model = keras.Model(x, [relu, layers.LeakyReLU(negative_slope=0.4)(x), layers.Softmax()(x)])
    agree(model, packed(model, tmp_path / "a.npz"))


def test_a_kernel_without_any_weight_left_is_zero(tmp_path):
    model = nets.perceptron()
    model.layers[0].kernel.assign(np.zeros(model.layers[0].kernel.shape))
    agree(model, packed(model, tmp_path / "a.npz", form="csr"))


def test_shape_of_rows_does_not_matter(tmp_path):
    model = keras.Sequential([keras.Input((5, 12)), layers.Dense(8), layers.Dense(3)])
    make_masks(model, 0.8).apply(model)
    run = packed(model, tmp_path / "a.npz", form="csr")
    for batch in (1, 7):
        agree(model, run, np.random.default_rng(0).normal(size=(batch, 5, 12)))


@keras.saving.register_keras_serializable("test_runtime")
class Doubling(layers.Dense):
    """A Dense in name, that computes something else."""

    def call(self, x):
        return 2 * super().call(x)


@pytest.mark.parametrize(
    "made, names",
    [
        (lambda x: layers.LayerNormalization()(x), "LayerNormalization"),
        (lambda x: Doubling(3)(x), "Doubling"),
        (lambda x: x + 1.0, "Add"),
        (lambda x: layers.Dense(3, activation=lambda z: z**2)(x), "Dense"),
        (lambda x: keras.ops.sin(x), "Sin"),
    ],
)
def test_what_it_does_not_know_is_named_and_not_written(tmp_path, made, names):
    x = keras.Input((4,))
    with pytest.raises(ValueError, match=f"no rule for .*{names}"):
        pack(keras.Model(x, made(x)), tmp_path / "a.npz", runnable=True)
    assert not list(tmp_path.iterdir())


def test_inputs_that_are_missing_are_said(tmp_path):
    with pytest.raises(ValueError, match="takes 2 arrays. Received: 1"):
        packed(nets.two_inputs(), tmp_path / "a.npz")(np.zeros((1, 6)))


def test_models_without_a_graph_are_refused(tmp_path):
    model = nets.Subclassed()
    model(np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match="Functional and Sequential"):
        pack(model, tmp_path / "a.npz", runnable=True)
    pack(model, tmp_path / "a.npz")
    with pytest.raises(ValueError, match="weights but no graph"):
        runtime.numpy_runtime(tmp_path / "a.npz")


def test_it_runs_where_only_numpy_is(tmp_path):
    """The file alone, beside an archive, in a Python where Keras, TensorFlow and ml_dtypes fail to import."""
    model = nets.branches()
    x = examples(model)[0]
    pack(model, tmp_path / "a.npz", runnable=True)
    shutil.copy(runtime.__file__, tmp_path / "runtime.py")
    np.savez(tmp_path / "x.npz", x=x)
    code = """
import sys
for name in ("keras", "tensorflow", "ml_dtypes", "scipy", "course_lib"):
    sys.modules[name] = None
import numpy as np
from runtime import numpy_runtime
first, second = numpy_runtime("a.npz")(np.load("x.npz")["x"])
np.savez("y.npz", first=first, second=second)
print({m.split(".")[0] for m, made in sys.modules.items() if made} & {"keras", "tensorflow"})
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "set()", done.stderr
    with np.load(tmp_path / "y.npz") as found:
        for got, expected in zip(found.values(), answers(model, [x]), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
