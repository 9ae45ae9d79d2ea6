"""LiteRT files: compared, in any order of inputs, float and int8, and the traps that were found."""

import keras
import nets
import numpy as np
import pytest
import tensorflow as tf

from course_lib.pruning import Block, Element, fastest_pattern, layerwise, make_masks
from course_lib.pruning.ship import litert
from course_lib.pruning.ship.compare import answers, difference, examples, inputs_of
from course_lib.pruning.ship.fastest import Fastest
from course_lib.pruning.ship.interpret import interpret
from course_lib.pruning.ship.litert import converted, save_litert
from course_lib.pruning.ship.trap import trapped
from course_lib.pruning.timing import Ratio

layers = keras.layers


def off(model, content, arrays=None):
    arrays = arrays or examples(model)
    got = interpret(content)(arrays if len(arrays) > 1 else arrays[0])
    return difference(got if isinstance(got, list) else [got], answers(model, arrays))


def blocks(rows, sparsity=0.9):
    """A Dense layer with zeros in blocks of so many inputs."""
    model = nets.perceptron((64, 64, 8))
    make_masks(model, sparsity, granularity=Block(rows, 1), within=["d0"]).apply(model)
    return model


@pytest.mark.parametrize("build", [nets.perceptron, nets.branches, nets.two_inputs, nets.words])
def test_a_float_file_computes_what_the_model_does(tmp_path, build):
    model = build()
    found = save_litert(model, tmp_path / "a.tflite", sparse=True)
    assert found.difference.largest < 1e-5
    assert off(model, found.path.read_bytes()).largest < 1e-5
    assert [p.name for p in tmp_path.iterdir()] == ["a.tflite"]


def test_inputs_and_outputs_keep_the_order_of_the_model():
    model = nets.two_inputs()
    run, (zeta, alpha) = interpret(converted(model)), examples(model)
    expected = answers(model, [zeta, alpha])
    for x in ([zeta, alpha], (zeta, alpha), {"alpha": alpha, "zeta": zeta}):
        for got, wanted in zip(run(x), expected, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-5)
    with pytest.raises(ValueError, match=r"\['zeta', 'alpha'\]"):
        run({"alpha": alpha, "beta": zeta})
    with pytest.raises(ValueError, match="Received: 1 arrays"):
        run(zeta)
    with pytest.raises(ValueError, match="must have shape any × 6"):
        run([zeta[:, :5], alpha])


def test_any_batch_runs_also_in_a_file_for_a_fixed_one():
    fixed = keras.Input(batch_shape=(4, 6))
    for model in (nets.perceptron((6, 5, 3)), keras.Model(fixed, layers.Dense(3)(fixed))):
        run, x = interpret(converted(model)), np.random.default_rng(0).normal(size=(12, 6)).astype("float32")
        whole = run(x)
        np.testing.assert_allclose(whole, np.concatenate([run(x[:4]), run(x[4:])]), atol=1e-6)
        assert whole.shape == (12, 3)


@pytest.mark.parametrize("dtype", ["mixed_float16", "float16", "bfloat16", "float64"])
def test_models_in_other_precisions_are_converted_in_float32(tmp_path, dtype):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, dtype=dtype),
            layers.Flatten(),
            layers.Dense(2, dtype=dtype),
        ]
    )
    save_litert(nets.stirred(model), tmp_path / "a.tflite")
    assert model.layers[0].compute_dtype != "float32"


@pytest.mark.filterwarnings("ignore:LiteRT cannot run these")
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("int8", ["weights", "activations", "everything"])
def test_int8_is_near_and_a_quarter_of_the_size(tmp_path, int8, sparse):
    model = nets.perceptron((64, 256, 128, 4))
    x = examples(model)[0]
    dense = save_litert(model, tmp_path / "a.tflite")
    small = save_litert(model, tmp_path / "b.tflite", x, sparse, int8)
    assert 0 < small.difference.largest < 0.1 and small.difference.agreement > 0.9
    assert small.bytes < dense.bytes / 3


def test_files_of_integers_take_and_give_floats_here():
    model = nets.perceptron()
    x = examples(model)[0]
    content = converted(model, x, int8="everything")
    with pytest.warns(UserWarning, match="deprecated"):
        detail = tf.lite.Interpreter(model_content=content).get_input_details()[0]
    assert detail["dtype"] is np.int8
    assert off(model, content, [x]).largest < 0.1


def test_sparse_encoding_makes_the_file_smaller():
    model = blocks(4)
    assert len(converted(model, sparse=True)) < 0.6 * len(converted(model))


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("rows", [1, 4, 16])
def test_int8_weights_with_zeros_run_wherever_litert_does(tmp_path, rows):
    """Blocks of 16 stay sparse, the others are written densely, and it is said."""
    model = blocks(rows)
    x = examples(model)[0]
    if rows == 16:
        found = save_litert(model, tmp_path / "a.tflite", sparse=True, int8="weights")
    else:
        with pytest.warns(UserWarning, match="written densely"):
            found = save_litert(model, tmp_path / "a.tflite", sparse=True, int8="weights")
    content = found.path.read_bytes()
    assert not trapped(content)
    assert difference([raw(content, x)], answers(model, [x])).typical < 0.05
    dense = converted(model, int8="weights")
    assert len(content) < 0.8 * len(dense) if rows == 16 else len(content) == len(dense)


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("rows", [1, 4, 16])
def test_int8_activations_with_zeros_run_wherever_litert_does(rows):
    model = blocks(rows)
    x = examples(model)[0]
    content = converted(model, x, sparse=True, int8="activations")
    assert not trapped(content) and len(content) < len(converted(model, x, int8="activations"))
    assert difference([raw(content, x)], answers(model, [x])).typical < 0.1


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_the_trap_of_int8_weights_with_sparse_encoding_is_still_there():
    """What `save_litert` avoids and `interpret` runs all the same, on LiteRT's own kernels.

    When this fails, TensorFlow has mended it, and `trap.py` may go.
    """
    for rows in (4, 16):
        model, content = blocks(rows), as_everybody_converts(blocks(rows))
        x = examples(model)[0]
        assert trapped(content) and off(model, content).typical < 0.05
        if rows == 4:
            with pytest.raises(RuntimeError, match="failed to delegate"):
                raw(content, x)
        else:
            assert difference([raw(content, x)], answers(model, [x])).typical > 0.25


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("inputs, within", [(256, ["d0"]), (256, ["out"]), (40, ["d0", "out"])])
def test_blocks_of_16_beside_a_dense_layer_or_with_a_rest_are_written_densely(tmp_path, inputs, within):
    """With XNNPACK the sparse layer is wrong. When the last line fails, TensorFlow has mended it."""
    model = nets.perceptron((inputs, 256, 64))
    make_masks(model, 0.8, granularity=Block(16, 1), scope=layerwise, within=within).apply(model)
    x = examples(model)[0]
    with pytest.warns(UserWarning, match="every Dense layer.*multiple of 16"):
        found = save_litert(model, tmp_path / "a.tflite", sparse=True, int8="weights")
    kept = difference([raw(found.path.read_bytes(), x)], answers(model, [x])).typical
    content = litert._attempt(model, inputs_of(model, None), None, True, "weights")
    assert trapped(content) and kept < 0.05
    assert difference([raw(content, x)], answers(model, [x])).typical > 3 * kept


def as_everybody_converts(model):
    """With optimizations = [DEFAULT, EXPERIMENTAL_SPARSITY], as the tutorials do."""
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    function = tf.function(lambda x: model(x), input_signature=[spec]).get_concrete_function()
    owner = tf.Module()
    owner.weights = function.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], owner)
    converter.optimizations = [tf.lite.Optimize.DEFAULT, tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
    return converter.convert()


def raw(content, x):
    """As everybody runs a LiteRT file."""
    interpreter = tf.lite.Interpreter(model_content=content)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_the_trap_of_concrete_functions_is_still_there():
    """Given the Keras 3 model as the owner of the weights, the converter loses them without a word."""
    model, x = nets.perceptron(), examples(nets.perceptron())[0]
    call = tf.function(lambda x: model(x), input_signature=[tf.TensorSpec((None, 12), tf.float32)])
    lost = tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()], model).convert()
    assert not np.allclose(raw(lost, x), model.predict(x, verbose=0), rtol=0.01, equal_nan=False)


def test_a_file_that_computes_something_else_is_not_kept(tmp_path, monkeypatch):
    path = tmp_path / "a.tflite"
    path.write_text("old")
    other = converted(nets.stirred(nets.perceptron((12, 4, 3))))
    monkeypatch.setattr(litert, "converted", lambda *args: other)
    with pytest.raises(ValueError, match="was not kept"):
        save_litert(nets.perceptron(), path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_what_litert_cannot_express_is_named(tmp_path):
    x = keras.Input((4,))
    model = keras.Model(x, keras.ops.erfinv(x), name="odd")
    for wrong, words in [
        (dict(model=model), "cannot express model 'odd'.*Erfinv"),
        (dict(model=nets.words(), int8="activations", x=np.zeros((2, 7))), "loop"),
        (dict(model=nets.perceptron(), int8="activations"), "pass x"),
        (dict(model=nets.perceptron(), int8="int4"), "Received: 'int4'"),
    ]:
        with pytest.raises(ValueError, match=words):
            save_litert(path=tmp_path / "a.tflite", **wrong)
    assert not list(tmp_path.iterdir())


def test_what_is_no_litert_file_is_said(tmp_path):
    (tmp_path / "a.tflite").write_text("no model at all, only text")
    for source in (tmp_path / "a.tflite", b"no model at all, only text"):
        with pytest.raises(ValueError, match="no LiteRT file"):
            interpret(source)
    with pytest.raises(FileNotFoundError, match="no such file"):
        interpret(tmp_path / "b.tflite")


def test_half_precision_in_a_model_of_ones_own_is_said(tmp_path):
    model = nets.Subclassed()
    model.inner = layers.Dense(4, dtype="float16")
    model(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="computes in float32"):
        save_litert(model, tmp_path / "a.tflite", np.zeros((2, 3), "float32"))


def test_subclassed_models_are_exported_from_examples(tmp_path):
    model, x = nets.Subclassed(), np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    model(x)
    assert save_litert(model, tmp_path / "a.tflite", x).difference.largest < 1e-5


def test_the_table_of_patterns_names_a_winner_only_where_one_is_faster():
    table = Fastest(
        {
            0.5: {"half the outputs": Ratio(2, 2, 2), "Element()": Ratio(0.9, 1.3, 2.0)},
            0.9: {"Element()": Ratio(1.2, 1.3, 1.4), "Block(4, 1)": Ratio(3.0, 4.0, 5.0)},
        }
    )
    assert table.best(0.5) is None and table.best(0.9) == "Block(4, 1)"
    assert "none: stay dense" in repr(table) and "4.00* (3.00 to 5.00)" in repr(table)


@pytest.mark.parametrize("image", [None, (3, 4)])
def test_patterns_are_measured_on_real_layers(image):
    sides = [Element(), Block(4, 1)]
    found = fastest_pattern(16, 8, [0.5], image=image, patterns=sides, rounds=2, int8=image is None)
    names = {"half the outputs", "Element()", "Block(4, 1)", "2:4 of the inputs", "2:4 of the outputs"}
    assert set(found[0.5]) == names | ({"float, no zeros"} if image is None else set())
    assert all(0 < ratio.low <= ratio.median <= ratio.high for ratio in found[0.5].values())


def test_sizes_and_shares_out_of_range_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        fastest_pattern(0, 8)
    with pytest.raises(ValueError, match="Did you mean 0.8"):
        fastest_pattern(8, 8, [80])
