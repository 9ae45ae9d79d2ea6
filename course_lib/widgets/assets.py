"""The script and the style sheet of a widget: what all widgets share, then its own, each as one text."""

from pathlib import Path

_HERE = Path(__file__).parent


def script(name: str) -> str:
    """Return the module of the widget `name`: `common.js`, `<name>_parts.js`, `<name>.js`."""
    return _together("common.js", f"{name}_parts.js", f"{name}.js")


def style(name: str) -> str:
    """Return the style sheet of the widget `name`: `common.css`, then `<name>.css`."""
    return _together("common.css", f"{name}.css")


def _together(*files: str) -> str:
    return "\n".join((_HERE / file).read_text("utf-8") for file in files)
