"""Where there is no kernel: a widget's static twin, and the note that stands in a reopened notebook."""

from __future__ import annotations

import json
import os
from html import escape

import anywidget
from IPython.display import HTML, display

# A classic script: only that knows where it stands (document.currentScript), and so needs no invented id.
_TWIN = """<div class="course-static"><style>{css}</style><div></div><script>{{
const el = document.currentScript.previousElementSibling, state = {state};
const ignore = () => {{}}, set = (name, value) => {{ state[name] = value; }};
const model = {{ get: (name) => state[name], set, save_changes: ignore, on: ignore, off: ignore }};
const url = URL.createObjectURL(new Blob([{module}], {{ type: "text/javascript" }}));
import(url).then((module) => module.default.render({{ model, el }}));
}}</script></div>"""


def static_html(widget: anywidget.AnyWidget, names: tuple[str, ...]) -> str:
    """Return HTML that renders a widget's module with its present traits `names`, and needs nothing else."""
    state = {name: getattr(widget, name) for name in names} | {"live": False}
    return _TWIN.format(css=widget._css, state=_script_json(state), module=_script_json(str(widget._esm)))


def show(widget: anywidget.AnyWidget, twin: str) -> None:
    """Display a widget, and a note that only a notebook reopened without its kernel shows.

    There JupyterLab says "Error displaying widget" and ignores the widget's own text. The widget's style
    sheet hides the note. With COURSE_STATIC set, as when the site is built, only the `twin` is shown.
    """
    if os.environ.get("COURSE_STATIC"):
        display(HTML(twin))
        return
    data, metadata = widget._repr_mimebundle_()
    # With an empty text/html, an untrusted notebook shows the note alone, not the plain text as well.
    display(data | {"text/html": "<span></span>"}, metadata=metadata, raw=True)
    display(HTML(f'<p class="course-note"><em>{escape(repr(widget))}</em></p>'))


def _script_json(value: object) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
