"""The channel picker with a real mouse and real keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from course_lib.widgets import ChannelPicker

GROUPS = {"conv": 8, "hidden": 20}
WEIGHTS = [
    {"uses": 64, "axes": [[9, 0, 0], [0, 1, 0]]},
    {"uses": 1, "axes": [[0, 4, 0], [0, 0, 1]]},
    {"uses": 1, "axes": [[0, 0, 1], [10, 0, 0]]},
]
SCORES = {
    "L2 norm": [[float(i) for i in range(8)], [float(20 - i) for i in range(20)]],
    "mean activation": [[float(8 - i) for i in range(8)], [1.0] * 20],
}
GRID = {"macs": [1.0, 0.5, 0.25], "seconds": [1.0, 0.7, 0.6]}
WHOLE = 9 * 8 + 4 * 8 * 20 + 20 * 10
CELL = f"""from course_lib.widgets import ChannelPicker
def measure(keep):
    kept = sum(map(sum, keep))
    return {{"keep": keep, "seconds": kept / 1000, "whole": 0.028, "time": kept / 28, "accuracy": kept / 28}}
picker = ChannelPicker({GROUPS}, {WEIGHTS}, {SCORES}, measure, {GRID}, 450)
picker"""


def value(page, tile: str):
    return page.locator(f".cw-{tile} .cw-value")


def note(page, tile: str):
    return page.locator(f".cw-{tile} .cw-note")


def box(page, group: str, channel: int):
    return page.get_by_role("group", name=f"Channels of {group}").get_by_role("button").nth(channel)


def slider(page, group: str):
    return page.get_by_role("slider", name=f"Best channels of {group} kept")


def drag(page, group: str, count: int) -> None:
    """Drag a group's slider to a number of channels."""
    bar = slider(page, group)
    bar.scroll_into_view_if_needed()
    bar.hover()  # waits until it stands still
    area, most = bar.bounding_box(), GROUPS[group]
    x = lambda kept: area["x"] + 8 + (kept - 1) / (most - 1) * (area["width"] - 16)  # noqa: E731
    page.mouse.move(x(int(bar.input_value())), area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(x(count), area["y"] + area["height"] / 2, steps=10)
    page.mouse.up()


def test_clicks_and_drags_are_counted_at_once_and_measured_when_asked(lab):
    lab.write("pick.ipynb", CELL, "print(picker.keep[0], sum(picker.keep[1]), picker.exact['accuracy'])")
    lab.open("pick.ipynb")
    lab.run_all()
    page = lab.page
    expect(value(page, "accuracy")).to_have_text("100.0\u00a0%")
    box(page, "conv", 2).click()
    expect(box(page, "conv", 2)).to_have_attribute("aria-pressed", "false")
    left = 9 * 7 + 4 * 7 * 20 + 200
    expect(note(page, "parameters")).to_have_text(f"{left} of {WHOLE}")
    expect(note(page, "macs")).to_have_text(f"{64 * 63 + 560 + 200:,} of {64 * 72 + 640 + 200:,}")
    expect(value(page, "time")).to_contain_text("≈")
    expect(value(page, "accuracy")).to_have_text("–")
    drag(page, "hidden", 5)
    expect(slider(page, "hidden")).to_have_value("5")
    assert box(page, "hidden", 4).get_attribute("aria-pressed") == "true", "the five with the highest scores"
    assert box(page, "hidden", 5).get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="Measure").click()
    expect(value(page, "accuracy")).to_have_text("42.9\u00a0%")  # 12 of 28
    expect(value(page, "time")).to_have_text("43\u00a0%")
    expect(page.get_by_role("status").filter(has_text="accuracy 42.9")).to_have_count(1)
    lab.run(1)
    kept = "[True, True, False, True, True, True, True, True]"
    assert lab.output(1).inner_text().strip().startswith(f"{kept} 5 0.428")
    box(page, "conv", 2).click()
    expect(value(page, "accuracy")).to_have_text("–")
    page.get_by_role("button", name="Bring all back").click()
    expect(note(page, "parameters")).to_have_text(f"{WHOLE} of {WHOLE}")


def test_the_other_criterion_keeps_others_and_the_last_channel_stays(lab):
    lab.write("last.ipynb", CELL)
    lab.open("last.ipynb")
    lab.run_all()
    page = lab.page
    page.get_by_role("radio", name="mean activation").check()
    drag(page, "conv", 1)
    assert box(page, "conv", 0).get_attribute("aria-pressed") == "true"
    assert box(page, "conv", 7).get_attribute("aria-pressed") == "false"
    box(page, "conv", 0).click()
    expect(page.get_by_role("status").filter(has_text="The last channel of conv has to stay")).to_have_count(
        1
    )
    assert box(page, "conv", 0).get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_move_remove_and_measure_and_nothing_else(lab, app):
    lab.write("keys.ipynb", CELL, "1 + 1")
    lab.open("keys.ipynb", app)
    lab.run_all()
    page = lab.page
    box(page, "conv", 0).focus()
    for key, at in [
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 7),
        ("Home", 0),
        ("ArrowLeft", 0),
    ]:
        page.keyboard.press(key)
        expect(box(page, "conv", at)).to_be_focused()
    page.keyboard.press("Space")
    expect(box(page, "conv", 0)).to_have_attribute("aria-pressed", "false")
    expect(box(page, "conv", 0)).to_have_attribute("aria-label", re.compile("Channel 0, score .* removed"))
    page.keyboard.press("Tab")
    expect(slider(page, "hidden")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(slider(page, "hidden")).to_have_value("19")
    expect(slider(page, "hidden")).to_have_attribute(
        "aria-valuetext", re.compile("^19 of 20 channels of hidden")
    )
    page.keyboard.press("Tab")
    expect(box(page, "hidden", 0)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Measure")).to_be_focused()
    page.keyboard.press("Enter")
    expect(value(page, "accuracy")).to_have_text("92.9\u00a0%")
    radio = page.get_by_role("radio", name="L2 norm")
    radio.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="mean activation")).to_be_checked()


def test_both_themes_a_table_and_narrow_windows(lab):
    lab.write("look.ipynb", CELL)
    lab.open("look.ipynb")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        drag(lab.page, "hidden", 12)
        box(lab.page, "conv", 5).click()
        lab.page.get_by_role("button", name="Measure").click()
        expect(value(lab.page, "accuracy")).not_to_have_text("–")
        text = ".cp :is(dt, dd, span, legend, label, summary, .cw-controls button):not(:empty)"
        assert lab.contrast(text) >= 4.5
        lab.screenshot(f"channels-{theme.lower()}", lab.output(0))
    lab.page.get_by_text("The same as a table").click()
    expect(lab.page.locator(".cp tbody tr").first).to_contain_text("5")
    lab.page.set_viewport_size({"width": 640, "height": 900})
    lab.page.wait_for_function("() => document.querySelector('.cp').clientWidth < 360")
    assert lab.page.locator(".cp-row").first.evaluate("(row) => row.scrollWidth <= row.clientWidth + 1")
    lab.screenshot("channels-narrow")


def test_a_reopened_notebook_says_how_to_load_it(lab):
    lab.write("again.ipynb", CELL)
    lab.open("again.ipynb")
    lab.run_all()
    said = lab.page.locator(".course-note")
    expect(said).to_be_hidden()
    lab.save()
    lab.close()
    lab.open("again.ipynb")
    expect(said).to_have_text("28 channels to pick: run this cell to load it")


def test_the_static_twin_works_from_a_file(static_page):
    page, requests = static_page(ChannelPicker(GROUPS, WEIGHTS, SCORES, None, GRID, 450).to_html())
    drag(page, "hidden", 10)
    expect(note(page, "parameters")).to_have_text(f"{72 + 320 + 100} of {WHOLE}")
    expect(value(page, "time")).to_contain_text("≈")
    box(page, "conv", 3).focus()
    page.keyboard.press("Space")
    expect(note(page, "parameters")).to_have_text(f"{63 + 280 + 100} of {WHOLE}")
    expect(page.get_by_role("button", name="Measure")).to_be_hidden()
    expect(page.get_by_text("Without a kernel, the time is an estimate")).to_be_visible()
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_what_cannot_be_drawn_is_said(lab):
    lab.write("none.ipynb", "from course_lib.widgets import ChannelPicker\nChannelPicker({}, [], {})")
    lab.open("none.ipynb")
    lab.run_all()
    expect(lab.page.get_by_role("status").filter(has_text="There are no channels to pick")).to_be_visible()
