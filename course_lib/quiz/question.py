"""The question as a widget: a fieldset of radio buttons in the browser, the saving in the kernel."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path

import anywidget
import traitlets
from IPython.display import HTML, DisplayHandle, display

from course_lib.quiz import store


class Question(anywidget.AnyWidget):
    """One multiple-choice question as a radio group; made by `quiz.ask`.

    `choice` comes from the browser, `saved` is what `answers.json` holds, `trouble` is a sentence to show
    when the two cannot be made to agree.
    """

    _esm = Path(__file__).with_name("question.js")
    _css = Path(__file__).with_name("question.css")
    key = traitlets.Unicode().tag(sync=True)
    prompt = traitlets.Unicode().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    says = traitlets.Dict().tag(sync=True)
    choice = traitlets.Unicode("").tag(sync=True)
    saved = traitlets.Unicode("").tag(sync=True)
    trouble = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(self, **state: object) -> None:
        super().__init__(**state)
        self._note: DisplayHandle | None = None
        # Observed only from here on, so that showing a saved answer does not write it again.
        self.observe(self._save_choice, "choice")

    def show_saved(self, letter: str, trouble: str = "") -> None:
        """Show an answer that is in the file already."""
        self.trouble = trouble
        self.saved = self.choice = letter
        if self._note:
            self._note.update(HTML(self._fallback()))

    def to_html(self) -> str:
        """Return the question as static HTML that runs the same module; there, nothing is saved."""
        state = {name: getattr(self, name) for name in ("key", "prompt", "options", "says")}
        state |= {"choice": "", "saved": "", "trouble": "", "live": False}
        return _TWIN.format(css=self._css, state=_script_json(state), module=_script_json(str(self._esm)))

    def _save_choice(self, change: dict) -> None:
        letter = change["new"]
        if letter not in self.options or letter == self.saved:
            return
        try:
            trouble = store.write(self.key, letter)
        except OSError as error:
            # Raised here it would vanish: errors in a widget's callback reach no cell.
            self.trouble = f"Your answer could not be saved in {store.ANSWERS}: {error.strerror or error}."
        else:
            self.show_saved(letter, trouble)

    def _ipython_display_(self) -> None:
        """Show the widget, and a note that only a notebook reopened without this kernel shows.

        There JupyterLab says "Error displaying widget" and ignores the widget's own text. The widget's
        style sheet hides the note, and updating it does not take the focus from the radio buttons.
        With COURSE_STATIC set, as when the site is built, the static twin is shown instead.
        """
        if os.environ.get("COURSE_STATIC"):
            display(HTML(self.to_html()))
            return
        data, metadata = self._repr_mimebundle_()
        # With an empty text/html, an untrusted notebook shows the note alone, not the plain text as well.
        display(data | {"text/html": "<span></span>"}, metadata=metadata, raw=True)
        self._note = display(HTML(self._fallback()), display_id=True)

    def _fallback(self) -> str:
        prompt, how = escape(self.prompt), escape(repr(self))
        return f'<p class="quiz-note"><strong>{prompt}</strong><br><em>{how}</em></p>'

    def __repr__(self) -> str:
        now = f"saved answer: {self.saved}" if self.saved else "not answered yet"
        return f"Question {self.key!r}: run this cell to load it; {now}"


def _script_json(value: object) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")


# A classic script: only that knows where it stands (document.currentScript), and so needs no invented id.
_TWIN = """<div class="course-static"><style>{css}</style><div></div><script>{{
const el = document.currentScript.previousElementSibling, state = {state};
const ignore = () => {{}}, set = (name, value) => {{ state[name] = value; }};
const model = {{ get: (name) => state[name], set, save_changes: ignore, on: ignore, off: ignore }};
const url = URL.createObjectURL(new Blob([{module}], {{ type: "text/javascript" }}));
import(url).then((module) => module.default.render({{ model, el }}));
}}</script></div>"""
