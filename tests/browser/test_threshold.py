"""The threshold histogram under a real mouse and real keys."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from course_lib.widgets import ThresholdHistogram

CELL = """import numpy as np
from course_lib.widgets import ThresholdHistogram
weights = np.random.default_rng(0).laplace(0, .07, 100_000).clip(-.6, .6)
def measure_at(t):
    share = np.mean(abs(weights) <= t)
    return {"bytes": 371_000 * (1 - .93 * share), "accuracy": .98 - .88 * share**9}
histogram = ThresholdHistogram(weights, measure_at)
histogram"""
COUNT_UPDATES = """(value) => { window.updates = [];
  new MutationObserver(() => window.updates.push(performance.now())).observe(value, { childList: true }); }"""


def weights() -> np.ndarray:
    return np.random.default_rng(0).laplace(0, 0.07, 100_000).clip(-0.6, 0.6)


def removed(page) -> str:
    return page.locator(".cw-sparsity .cw-value").inner_text()


def drag(page, start: float, end: float, steps: int) -> None:
    """Drag on the picture from one place to another, both as shares of its width."""
    plot = page.locator(".th-plot")
    plot.scroll_into_view_if_needed()
    size = plot.bounding_box()
    # Hovering waits until the picture stands still: a busy machine may still be laying the notebook out.
    plot.hover(position={"x": start * size["width"], "y": size["height"] / 2})
    box = plot.bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], box["y"] + box["height"] / 2, steps=steps)
    page.mouse.up()


def test_dragging_answers_at_once_and_the_kernel_follows(lab, record_property):
    lab.write("drag.ipynb", CELL, "print(histogram.threshold, histogram.exact['sparsity'])")
    lab.open("drag.ipynb")
    lab.run_all()
    lab.page.locator(".th-plot").scroll_into_view_if_needed()
    assert removed(lab.page) == "0.0\u00a0%"
    lab.page.locator(".cw-sparsity .cw-value").evaluate(COUNT_UPDATES)
    drag(lab.page, 0.6, 0.75, steps=100)
    times = lab.page.evaluate("window.updates")
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1000
    print(f"\n{len(times)} updates of the picture, {rate:.0f} a second")
    record_property("updates_per_second", round(rate))
    assert len(times) > 50  # answered by the browser: the kernel hears at most 20 a second

    slider = lab.page.get_by_role("slider", name="Threshold")
    expect(slider).not_to_have_attribute("aria-valuetext", re.compile("about"))
    value = float(slider.input_value())
    share = np.mean(np.abs(weights()) <= value)
    assert removed(lab.page) == f"{100 * share:.1f}\u00a0%"
    expect(lab.page.get_by_role("status").filter(has_text=f"{100 * share:.1f}\u00a0% removed")).to_have_count(
        1
    )
    lab.run(1)
    threshold, sparsity = map(float, lab.output(1).inner_text().split())
    assert threshold == pytest.approx(value, abs=6e-4)  # the slider rounds to its steps
    assert sparsity == np.mean(np.abs(weights()) <= threshold)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_move_the_threshold_and_nothing_else(lab, app):
    lab.write("keys.ipynb", CELL, "1 + 1")
    lab.open("keys.ipynb", app)
    lab.run_all()
    slider = lab.page.get_by_role("slider", name="Threshold")
    slider.focus()
    seen = [slider.input_value()]
    for key in ("ArrowRight", "ArrowUp", "PageUp", "End", "ArrowLeft", "PageDown", "Home"):
        for _ in range(5 if key.startswith("Arrow") else 1):
            lab.page.keyboard.press(key)
        seen.append(slider.input_value())
        expect(slider).to_be_focused()
    assert all(a != b for a, b in zip(seen, seen[1:], strict=False)), seen
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^threshold 0.000, 0.0\u00a0% removed"))
    expect(lab.page.get_by_role("img", name=re.compile("^Histogram of 100,000 weights"))).to_be_visible()


def test_both_themes_and_narrow_windows(lab):
    lab.write("look.ipynb", CELL)
    lab.open("look.ipynb")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        value = lab.page.locator(".cw-sparsity .cw-value")
        expect(value).to_have_text("0.0\u00a0%")
        drag(lab.page, 0.6, 0.62, steps=3)
        expect(value).to_have_text(re.compile(r"^\d\d\.\d"))  # exact: without "≈"
        assert lab.contrast(".th :is(dt, dd, label span, p span, summary, .th-plot text):not(:empty)") >= 4.5
        lab.screenshot(f"threshold-{theme.lower()}", lab.output(0))
    lab.page.get_by_text("The same as a table").click()
    expect(lab.page.locator(".th table")).to_contain_text("Zipped size")
    lab.page.set_viewport_size({"width": 640, "height": 900})
    plot = lab.page.locator(".th-plot")
    lab.page.wait_for_function("() => document.querySelector('.th-plot').getBoundingClientRect().width < 320")
    assert plot.evaluate("(svg) => svg.viewBox.baseVal.width - svg.clientWidth") == pytest.approx(0, abs=1)
    lab.screenshot("threshold-narrow")


def test_a_reopened_notebook_says_how_to_load_it(lab):
    expect(lab.reopened("again.ipynb", CELL)).to_have_text(
        "Weight histogram of 100,000 weights with a threshold to drag: run this cell to load it"
    )


def test_the_static_twin_works_from_a_file(static_page):
    sizes = lambda t: {"bytes": 4e5 - 3e5 * np.mean(np.abs(weights()) <= t)}  # noqa: E731
    page, requests = static_page(ThresholdHistogram(weights(), sizes).to_html())
    drag(page, 0.55, 0.6, steps=5)
    share = np.mean(np.abs(weights()) <= float(page.get_by_role("slider").input_value()))
    figure = float(re.search(r"[\d.]+", removed(page)).group())
    assert removed(page).startswith("≈") and figure == pytest.approx(100 * share, abs=1)
    expect(page.get_by_text("Without a kernel, ≈ marks an estimate.")).to_be_visible()
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_what_cannot_be_drawn_is_said(lab):
    lab.write(
        "nan.ipynb", "from course_lib.widgets import ThresholdHistogram\nThresholdHistogram([float('nan')])"
    )
    lab.open("nan.ipynb")
    lab.run_all()
    expect(lab.page.get_by_role("status").filter(has_text="1 of 1 weights are not finite")).to_be_visible()
