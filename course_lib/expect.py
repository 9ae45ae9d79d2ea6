"""What a visible test expects of a student's answer; each miss is a hint, not a traceback.

expect.number(sparsity(w), "sparsity(w)", between=(0, 1))
expect.array(magnitude_mask(w, 0.5), "magnitude_mask(w, 0.5)", like=w, dtype=bool)
expect.names(masks, "global_mask(weights, 0.5)", like=weights)
"""

from collections.abc import Collection, Mapping

import numpy as np

LEFT_BLANK = "Replace the `...` by your code, and end with `return` and your result."


class Hint(AssertionError):
    """A failed expectation; in a notebook only its sentence is shown, without the frames of this library."""

    def _render_traceback_(self) -> list[str]:  # IPython's hook for an exception's own rendering
        return [f"Not yet: {self}"]


def number(value: object, what: str, between: tuple[float, float] | None = None) -> None:
    """Expect one real number (Python or NumPy), inside the closed range `between` if given; else a Hint."""
    _not_blank(value, what)
    scalar = isinstance(value, (int, float, np.number)) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if not scalar or isinstance(value, (bool, np.bool_)):
        raise Hint(f"{what} should return one number. Received: {described(value)}.")
    if between and not between[0] <= float(value) <= between[1]:
        raise Hint(f"{what} should lie between {between[0]} and {between[1]}. Received: {value:g}.")


def array(value: object, what: str, like: np.ndarray, dtype: type | None = None) -> None:
    """Expect a NumPy array with the shape of `like` and, if given, the type `dtype`; else a Hint."""
    _not_blank(value, what)
    wanted = f"an array of shape {like.shape}"
    if dtype is not None:
        wanted += f" and type {np.dtype(dtype).name}"
    right = isinstance(value, np.ndarray) and value.shape == like.shape
    if not right or (dtype is not None and not np.issubdtype(value.dtype, dtype)):
        raise Hint(f"{what} should return {wanted}. Received: {described(value)}.")


def names(value: object, what: str, like: Collection[str]) -> None:
    """Expect a dict with exactly the names of `like`, in any order; else a Hint."""
    _not_blank(value, what)
    if not isinstance(value, Mapping):
        raise Hint(f"{what} should return a dict with an entry for each name. Received: {described(value)}.")
    missing = [name for name in like if name not in value]
    if missing:
        received = ", ".join(map(str, value)) or "an empty dict. Is a `...` still waiting for your code?"
        raise Hint(f"{what} has no entry for {missing[0]!r}. Received: {received}")
    surplus = [name for name in value if name not in like]
    if surplus:
        raise Hint(f"{what} has an entry too many: {surplus[0]!r}. Wanted: {', '.join(map(str, like))}.")


def parts(value: object, what: str, like: Collection[str]) -> None:
    """Expect a tuple or list with one part for each name of `like`, in this order; else a Hint."""
    _not_blank(value, what)
    if not isinstance(value, (tuple, list)) or len(value) != len(like):
        raise Hint(
            f"{what} should return {len(like)} things: {', '.join(map(str, like))}. "
            f"Received: {described(value)}."
        )


def kind(value: object, what: str, of: type) -> None:
    """Expect an object of the class `of`, such as keras.Model; else a Hint."""
    _not_blank(value, what)
    if not isinstance(value, of):
        library = of.__module__.split(".")[0]
        where = "" if library == "builtins" else f" of {library}"
        raise Hint(f"{what} should return a {of.__name__}{where}. Received: {described(value)}.")


def unchanged(before: np.ndarray, after: np.ndarray, what: str) -> None:
    """Expect that the function left its argument as it was; else a Hint."""
    if not np.array_equal(before, after):
        raise Hint(f"{what} changed the array it was given. Compute a new array instead of writing into it.")


def described(value: object) -> str:
    """A value in a few words: its type, with shape and dtype for arrays and the value for small things."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of length {len(value)}"
    shape = getattr(value, "shape", None)
    if shape is not None and not isinstance(value, np.generic):
        return f"a {type(value).__name__} of shape {tuple(shape)}"
    short = repr(value)
    return f"{type(value).__name__} {short if len(short) <= 40 else short[:37] + '...'}"


def _not_blank(value: object, what: str) -> None:
    if value is None or value is ...:
        raise Hint(f"{what} returned {value!r}. {LEFT_BLANK}")
