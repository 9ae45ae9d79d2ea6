"""The three models of the course, seeded: D (dense), C (convolutional) and R (residual).

`trained("D")` trains on this computer the first time (a few seconds) and reads a cached file afterwards.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from course_lib import data
from course_lib.backend import keras

layers = keras.layers


def dense_digits(seed: int = 0) -> keras.Model:
    """D: an untrained 300-100 perceptron for flat 8x8 digits (50,610 parameters)."""
    keras.utils.set_random_seed(seed)
    return compiled(
        keras.Sequential(
            [
                keras.Input((64,)),
                layers.Dense(300, activation="relu", name="hidden_1"),
                layers.Dense(100, activation="relu", name="hidden_2"),
                layers.Dense(10, activation="softmax", name="digits"),
            ],
            name="D",
        )
    )


def conv_digits(seed: int = 0) -> keras.Model:
    """C: an untrained small CNN for 8x8 digits; two convolutions, one pooling, two dense layers."""
    keras.utils.set_random_seed(seed)
    return compiled(
        keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_1"),
                layers.Conv2D(64, 3, padding="same", activation="relu", name="conv_2"),
                layers.MaxPooling2D(name="pool"),
                layers.Flatten(name="flatten"),
                layers.Dense(64, activation="relu", name="hidden"),
                layers.Dense(10, activation="softmax", name="digits"),
            ],
            name="C",
        )
    )


def residual_digits(
    seed: int = 0, width: int = 16, shape: tuple[int, int, int] = (8, 8, 1), stem_stride: int = 1
) -> keras.Model:
    """R: an untrained mini-ResNet; a stem and three residual blocks (He et al. 2016).

    By default for 8x8 digits. `width` filters in the stem and the first block, twice as many in the others;
    a `stem_stride` of 2 keeps larger images, of any `shape` (height, width, channels), affordable.
    """
    keras.utils.set_random_seed(seed)
    inputs = keras.Input(shape)
    x = _conv_norm(inputs, width, stem_stride, "stem")
    for block, (filters, stride) in enumerate([(width, 1), (2 * width, 2), (2 * width, 1)], start=1):
        x = _residual_block(x, filters, stride, f"block_{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(10, activation="softmax", name="digits")(x)
    return compiled(keras.Model(inputs, outputs, name="R"))


def million_digits(seed: int = 0) -> keras.Model:
    """M: an untrained perceptron of exactly 1,000,000 parameters for flat 8x8 digits, with plain SGD."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(1026, activation="relu", name="hidden_1"),
            layers.Dense(900, activation="relu", name="hidden_2"),
            layers.Dense(10, activation="softmax", name="digits"),
        ],
        name="M",
    )
    # Adam would take twice as long a step, most of it for its own memory.
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _conv_norm(x, filters: int, stride: int, name: str, size: int = 3, relu: bool = True):
    x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    # Momentum 0.9: with the default 0.99 the running statistics lag behind so short a training.
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _residual_block(x, filters: int, stride: int, name: str):
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = _conv_norm(x, filters, stride, f"{name}_shortcut", size=1, relu=False)
    x = _conv_norm(x, filters, stride, f"{name}_a")
    x = _conv_norm(x, filters, 1, f"{name}_b", relu=False)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


def compiled(model: keras.Model, learning_rate: float = 1e-3) -> keras.Model:
    """Compile for digits: Adam, cross-entropy on integer labels, accuracy."""
    model.compile(
        keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


BUILDERS: dict[str, tuple[Callable[[int], keras.Model], int]] = {
    "D": (dense_digits, 15),
    "C": (conv_digits, 10),
    "R": (residual_digits, 10),
}


def trained(name: str, seed: int = 0) -> keras.Model:
    """Model "D", "C" or "R" trained on the digits; from the cache when it has been trained here before.

    The cache is in the user's cache folder, or in $PRUNING_COURSE_CACHE.  A file made by another
    version of Keras or of this module is not used; an unreadable one is trained anew.  Raises ValueError for
    other names.
    """
    if name not in BUILDERS:
        raise ValueError(f'The course has the models "D", "C" and "R". Received: {name!r}.')
    path = cache_folder() / f"{name}-{seed}-{_recipe()}.keras"
    if path.exists():
        try:
            return keras.saving.load_model(path)
        except (ValueError, OSError):
            path.unlink(missing_ok=True)
    model = train(name, seed)
    _save_whole(model, path)
    return model


def train(name: str, seed: int = 0) -> keras.Model:
    """Build model `name` and train it on the digits: a few seconds on two cores."""
    build, epochs = BUILDERS[name]
    x, y, *_ = data.digits(flat=name == "D")
    model = build(seed)
    model.fit(x, y, epochs=epochs, batch_size=32, verbose=0)
    return model


def copy(model: keras.Model) -> keras.Model:
    """A new model with the same architecture, weights and compilation; the original is left alone."""
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    return compiled(twin)


def accuracy(model: keras.Model, x, y) -> float:
    """Share of `x` that `model` puts into the right class of `y`."""
    # Called, not `predict`ed: predict compiles once for every new model, a call does not.
    scores = keras.ops.convert_to_numpy(model(x, training=False))
    return float((scores.argmax(axis=-1) == y).mean())


def cache_folder() -> Path:
    """Where trained models are kept between notebooks."""
    return Path(os.environ.get("PRUNING_COURSE_CACHE") or platformdirs.user_cache_dir("pruning-course"))


def _recipe() -> str:
    """Changes whenever a cached model might differ from one trained now."""
    source = Path(__file__).read_bytes() + Path(data.__file__).read_bytes()
    return hashlib.sha256(source + keras.__version__.encode()).hexdigest()[:12]


def _save_whole(model: keras.Model, path: Path) -> None:
    """Save to a temporary file, then rename: two notebooks at once never see half a model."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            model.save(Path(folder) / "model.keras")
            os.replace(Path(folder) / "model.keras", path)
    except OSError as error:  # a full or read-only disk costs seconds next time, not the lesson
        print(f"Not cached ({error}): the model will be trained again next time.")
