"""Drive a notebook in JupyterLab or Notebook 7 the way a person does, with as little waiting as possible.

    def test_lesson(lab):
        lab.copy(REPOSITORY / "lessons/01_spare_weights")
        lab.open("01_spare_weights.ipynb")
        lab.run_all()
        lab.page.get_by_role("radio", name="two").check()
        assert "passes all the tests" in lab.validate()
        lab.screenshot("lesson-01")

`lab.page` is Playwright's page. Running, saving and restarting go through JupyterLab's commands, which say
when they are done; whatever a test is about (keys, mouse, buttons) goes through `lab.page`.
"""

from __future__ import annotations

import re
import shutil
import urllib.error
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect
from server import TOKEN, JupyterServer

CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")
OUTPUT = Path(__file__).parents[1] / "output"
VISIT = "() => window.jupyterapp?.shell.currentWidget?.sessionContext"
CODE = "window.jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === 'code')"
# Asked of the cells and not of the page, which holds only those in sight.
BUSY = f"() => {CODE}.some((c) => c.model.executionState === 'running' || c.prompt === '*')"
IDLE = f"() => ({VISIT})()?.session?.kernel?.status === 'idle'"


class Lab:
    """One browser page with a folder of its own on the server; `folder` is where its notebooks lie."""

    def __init__(self, page: Page, server: JupyterServer, name: str) -> None:
        self.page = page
        self.server = server
        self._name = re.sub(r"\W+", "-", name)
        self.folder = server.root / self._name
        self.folder.mkdir()
        page.set_default_timeout(30_000)

    def copy(self, source: Path) -> None:
        """Copy a folder of notebooks into the test's folder."""
        shutil.copytree(source, self.folder, dirs_exist_ok=True)

    def write(self, name: str, *cells: str | nbformat.NotebookNode) -> None:
        """Write a notebook; a string is the source of a code cell."""
        made = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})
        nbformat.write(notebook, self.folder / name)

    def open(self, name: str, app: str = "lab") -> None:
        """Open a notebook (`app="notebook"`: in Notebook 7) in a fresh workspace; wait for an idle kernel."""
        path = f"{self._name}/{name}"
        place = f"lab/workspaces/{self._name}/tree/{path}?reset&" if app == "lab" else f"notebooks/{path}?"
        self.page.goto(f"{self.server.url}/{place}token={TOKEN}")
        self.wait_idle()
        expect(self.page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until the kernel of the current notebook has nothing to do."""
        self.page.wait_for_function(IDLE, timeout=1000 * timeout)

    def command(self, name: str, **arguments: object) -> None:
        """Run one of JupyterLab's commands and wait for its end."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def run_all(self, timeout: float = 180) -> None:
        """Run every cell and wait until none is busy; as for people, a cell that fails stops the run."""
        run = "window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => true)"
        late = f"new Promise((done) => setTimeout(() => done(false), {1000 * timeout}))"
        if not self.page.evaluate(f"() => Promise.race([{run}, {late}])"):
            raise TimeoutError(f"The notebook was still running after {timeout:g} s.")
        # The command is done once the last cell is sent; the kernel may pause between two cells.
        self.page.wait_for_function(
            f"() => {{ window.calm = ({BUSY})() || !({IDLE})() ? 0 : (window.calm || 0) + 1;"
            " return window.calm > 5 }",
            polling=100,
            timeout=1000 * timeout,
        )

    def counts(self) -> list[int | None]:
        """Return the execution count of each code cell; None where a cell has not run."""
        return self.page.evaluate(f"() => {CODE}.map((c) => c.model.executionCount)")

    def run(self, index: int) -> None:
        """Run one cell, counted from 0, and wait for its end."""
        self.cell(index).locator(".jp-InputPrompt").click()
        self.command("notebook:run-cell")
        self.wait_idle()

    def restart(self) -> None:
        """Restart the kernel, without the dialog, and wait until it is idle."""
        self.page.evaluate(f"() => ({VISIT})().restartKernel()")
        self.wait_idle()

    def save(self) -> None:
        """Save the notebook."""
        self.command("docmanager:save")

    def reopened(self, name: str, *cells: str) -> Locator:
        """Run a new notebook, save it, open it again; return the notes that stand for its widgets then."""
        self.write(name, *cells)
        self.open(name)
        self.run_all()
        note = self.page.locator(".course-note")
        expect(note).to_be_hidden()
        self.save()
        self.close()
        self.open(name)
        return note

    def theme(self, name: str) -> None:
        """Switch the theme of this page: "JupyterLab Light" or "JupyterLab Dark"."""
        self.command("apputils:change-theme", theme=name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def cell(self, index: int) -> Locator:
        """Return one cell, counted from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """Return the output area of one cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def validate(self, timeout: float = 120) -> str:
        """Press nbgrader's Validate button and return the text of the dialog, which is then closed."""
        self.page.get_by_role("button", name="Validate").click()
        dialog = self.page.locator(".jp-Dialog .jp-Dialog-content")
        dialog.wait_for(timeout=1000 * timeout)
        text = dialog.inner_text()
        dialog.get_by_role("button").last.click()
        dialog.wait_for(state="hidden")
        return text

    def contrast(self, selector: str) -> float:
        """Return the lowest contrast (WCAG 2) between text and ground among what `selector` finds."""
        return self.page.evaluate(CONTRAST, selector)

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Save a picture of the page, or of one element, in tests/output/ and return its path."""
        OUTPUT.mkdir(exist_ok=True)
        path = OUTPUT / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path

    def close(self) -> None:
        """Shut down the kernels this test used."""
        for session in self.server.request("GET", "api/sessions"):
            if session["path"].startswith(f"{self._name}/"):
                try:
                    self.server.request("DELETE", f"api/sessions/{session['id']}")
                except urllib.error.HTTPError:
                    pass  # already gone
