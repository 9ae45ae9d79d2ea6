"""The schedule to drag, with a real mouse and real keys."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from course_lib.widgets import ScheduleDesigner

CELL = """import numpy as np
from course_lib.widgets import ScheduleDesigner
weights = np.random.default_rng(0).normal(size=(10, 40))
designer = ScheduleDesigner(weights, steps=300, every=10, final=0.9)
designer"""


def slider(page, name: str):
    return page.get_by_role("slider", name=name)


def value(page, tile: str) -> float:
    text = page.locator(f".cw-{tile} .cw-value").inner_text()
    return float(re.sub(r"[^\d.]", "", text))


def handle(page, words: str) -> tuple[float, float]:
    """The middle of a handle's circle, on the page."""
    circle = page.locator(".sd-handle", has_text=words).locator("circle")
    circle.scroll_into_view_if_needed()
    circle.hover(force=True)  # waits until it stands still
    box = circle.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, words: str, dx: float, dy: float) -> None:
    x, y = handle(page, words)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=12)
    page.mouse.up()


def kept(page) -> int:
    return page.locator(".sd-weights .sd-kept").count()


def test_dragging_the_handles_changes_the_curve_the_weights_and_the_kernel(lab):
    lab.write("drag.ipynb", CELL, "print(designer.curve, designer.kept_at(designer.at))")
    lab.open("drag.ipynb")
    lab.run_all()
    page = lab.page
    assert value(page, "stay") == kept(page) == 85  # half-way: 0.9 * 7/8 removed
    assert value(page, "heal") == 100
    drag(page, "bend", 0, 60)
    assert slider(page, "Bend").input_value() != "3"
    assert kept(page) > 85 and value(page, "stay") == kept(page)
    drag(page, "last cut", 80, 30)
    end, final = (float(slider(page, name).input_value()) for name in ("Last cut", "Final sparsity"))
    assert 200 < end < 300 and end % 10 == 0 and 0.5 < final < 0.9
    assert value(page, "heal") == 300 - end
    drag(page, "first cut", 60, 0)
    begin = float(slider(page, "First cut").input_value())
    assert 0 < begin < end
    page.wait_for_timeout(200)  # the last value is sent within 60 ms
    lab.run(1)
    said = lab.output(1).inner_text()
    power = float(slider(page, "Bend").input_value())
    for name, wanted in {"begin": begin, "end": end, "final": final, "power": power}.items():
        assert float(re.search(rf"'{name}': ([\d.]+)", said)[1]) == pytest.approx(wanted), said
    assert int(said.split()[-1]) == kept(page), "the kernel counts as the browser does"


def test_the_line_shows_the_weights_at_its_step(lab):
    lab.write("line.ipynb", CELL)
    lab.open("line.ipynb")
    lab.run_all()
    page = lab.page
    box = page.locator(".sd-plot").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + box["height"] - 60)
    assert slider(page, "Look at step").input_value() == "300"
    assert kept(page) == 40 and value(page, "stay") == 40
    look = slider(page, "Look at step")
    look.focus()
    page.keyboard.press("Home")
    assert kept(page) == 400 and page.locator(".sd-weights .sd-gone, .sd-weights .sd-now").count() == 0
    page.keyboard.press("ArrowRight")
    assert page.locator(".sd-weights .sd-now").count() == 400 - kept(page) > 0
    expect(page.get_by_role("img", name=re.compile("of 400 weights stay at step 10"))).to_be_visible()


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_move_the_curve_and_nothing_else(lab, app):
    lab.write("keys.ipynb", CELL, "1 + 1")
    lab.open("keys.ipynb", app)
    lab.run_all()
    page = lab.page
    for name in ("Last cut", "Final sparsity", "Bend"):
        bar = slider(page, name)
        bar.focus()
        seen = [bar.input_value()]
        for key in ("ArrowLeft", "ArrowDown", "PageDown", "Home", "ArrowRight", "End"):
            page.keyboard.press(key)
            seen.append(bar.input_value())
            expect(bar).to_be_focused()
        assert all(a != b for a, b in zip(seen, seen[1:], strict=False)), (name, seen)
    expect(slider(page, "Last cut")).to_have_attribute("aria-valuetext", "step 300")
    page.keyboard.press("Tab")
    expect(slider(page, "Look at step")).to_be_focused()
    for label, bite in {"One-shot": 90.0, "Linear": 31.0}.items():
        page.get_by_role("button", name=label).focus()
        page.keyboard.press("Enter")
        assert value(page, "last") == pytest.approx(bite, abs=1), label
    expect(page.get_by_role("status").filter(has_text="Cuts from step 0 to 200 of 300")).to_have_count(1)


def test_the_first_cut_never_comes_after_the_last(lab):
    lab.write("order.ipynb", CELL)
    lab.open("order.ipynb")
    lab.run_all()
    page = lab.page
    slider(page, "First cut").focus()
    page.keyboard.press("End")
    assert slider(page, "Last cut").input_value() == "300" and value(page, "heal") == 0
    expect(page.locator(".cw-heal .cw-note")).to_have_text("steps after the only cut")
    slider(page, "Last cut").focus()
    page.keyboard.press("Home")
    assert slider(page, "First cut").input_value() == "0" and value(page, "last") == 90


def test_both_themes_a_table_and_narrow_windows(lab):
    lab.write("look.ipynb", CELL)
    lab.open("look.ipynb")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        expect(slider(lab.page, "Last cut")).to_be_visible()
        drag(lab.page, "last cut", 40, 10)
        text = ".sd :is(dt, dd, span, label, button, summary, p, output):not(:empty)"
        assert lab.contrast(text) >= 4.5
        lab.screenshot(f"designer-{theme.lower()}", lab.output(0))
    lab.page.get_by_text("The cuts as a table").click()
    rows = lab.page.locator(".sd tbody tr")
    count = int(re.search(r"of (\d+) cuts", lab.page.locator(".cw-heal .cw-note").inner_text())[1])
    expect(rows).to_have_count(count)
    lab.page.set_viewport_size({"width": 640, "height": 900})
    lab.page.wait_for_function("() => document.querySelector('.sd-plot').clientWidth < 360")
    sliders = lab.page.locator(".sd-sliders")
    assert sliders.evaluate("(box) => box.scrollWidth <= box.clientWidth + 1")
    lab.screenshot("designer-narrow")


def test_a_reopened_notebook_says_how_to_load_it(lab):
    expect(lab.reopened("again.ipynb", CELL)).to_have_text(
        "A schedule over 300 steps: run this cell to load it"
    )


def test_the_static_twin_works_from_a_file(static_page):
    weights = np.random.default_rng(0).normal(size=(10, 40))
    page, requests = static_page(ScheduleDesigner(weights, steps=300, every=10, final=0.9).to_html())
    assert kept(page) == 85
    drag(page, "bend", 0, 60)
    assert kept(page) > 85 and value(page, "stay") == kept(page)
    slider(page, "Look at step").focus()
    page.keyboard.press("End")
    assert kept(page) == 40
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_what_cannot_be_drawn_is_said(lab):
    cell = "import numpy as np\nfrom course_lib.widgets import ScheduleDesigner\n"
    lab.write("none.ipynb", cell + "ScheduleDesigner(np.ones((0, 3)), steps=20)")
    lab.open("none.ipynb")
    lab.run_all()
    expect(lab.page.get_by_role("status").filter(has_text="There are no weights to draw")).to_be_visible()
