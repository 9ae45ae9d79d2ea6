"""The same network in tf_keras, which is the only Keras that tfmot can prune."""

import keras
import tf_keras

_KEPT = ("units", "filters", "kernel_size", "padding", "activation", "name")


def twin(model: keras.Sequential) -> tf_keras.Sequential:
    """A tf_keras model of the same layers and weights, for Dense, Conv2D, MaxPooling2D and Flatten."""
    layers = [_layer(layer) for layer in model.layers]
    made = tf_keras.Sequential([tf_keras.Input(model.input_shape[1:]), *layers])
    made.set_weights(model.get_weights())
    return made


def _layer(layer: keras.Layer) -> tf_keras.layers.Layer:
    config = {name: value for name, value in layer.get_config().items() if name in _KEPT}
    return getattr(tf_keras.layers, type(layer).__name__)(**config)
