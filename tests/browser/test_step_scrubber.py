"""Scrubbing through recorded steps with a real mouse and real keys."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from course_lib.widgets import Frame, StepScrubber

CELL = """import numpy as np
from course_lib.widgets import Frame, StepScrubber
order = {"conv": np.random.default_rng(0).permutation(216).reshape(3, 3, 4, 6)}
order["dense"] = np.random.default_rng(1).permutation(1200).reshape(60, 20)
def frames(cuts):
    share, made = 0, []
    for step in range(41):
        share = cuts.get(step, share)
        masks = {name: rank >= share * rank.size for name, rank in order.items()}
        accuracy = 0.9 - share / 4 if step % 5 == 0 else None
        asked = 0.8 * (1 - (1 - step / 40) ** 3)
        made.append(Frame(step, masks, asked, zeros=share * 0.9, accuracy=accuracy))
    return made
scrubber = StepScrubber({"nothing": frames({}), "two cuts": frames({12: 0.5, 30: 0.75})})
scrubber"""


def value(page, name: str) -> str:
    return page.locator("dd.cw-value").nth(["asked", "masked", "zeros", "accuracy"].index(name)).inner_text()


def slider(page):
    return page.get_by_role("slider", name="Training step")


def opened(lab, name, *more, app="lab"):
    lab.write(name, CELL, *more)
    lab.open(name, app)
    lab.run_all()
    return lab.page


def blue(page, layer: int) -> int:
    """How many dots of a layer are drawn as kept."""
    count = """(canvas) => {
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let n = 0;
        for (let i = 0; i < data.length; i += 4) n += data[i] === 47 && data[i + 3] === 255;
        return n;
    }"""
    return page.locator(".ss canvas").nth(layer).evaluate(count)


def test_dragging_in_the_picture_moves_the_step_the_masks_and_the_kernel(lab):
    page = opened(lab, "drag.ipynb", "print(scrubber.label, scrubber.step, scrubber.masks['dense'].sum())")
    page.get_by_role("radio", name="two cuts").check()
    plot = page.locator(".ss-plot")
    plot.hover()
    box = plot.bounding_box()
    at = lambda step: box["x"] + 46 + (box["width"] - 64) * step / 40  # noqa: E731
    page.mouse.move(at(2), box["y"] + 80)
    page.mouse.down()
    page.mouse.move(at(33), box["y"] + 100, steps=12)
    page.mouse.up()
    assert slider(page).input_value() == "33"
    assert value(page, "masked") == "75.0\u00a0%" and value(page, "accuracy") == "71.3\u00a0%"
    assert blue(page, 1) == 300 and blue(page, 0) == 54
    expect(page.get_by_role("status").filter(has_text="two cuts: step 33 of 40, 2 changes")).to_have_count(1)
    lab.run(1)
    expect(lab.output(1)).to_contain_text("two cuts 33 300")
    lab.screenshot("scrubber-drag", lab.output(0))


def test_buttons_go_from_change_to_change_and_a_run_without_any_says_so(lab):
    page = opened(lab, "jump.ipynb")
    expect(page.get_by_text("The masks never change in this run.")).to_be_visible()
    forth, back = (page.get_by_role("button", name=name) for name in ("Next change", "Previous change"))
    expect(forth).to_have_attribute("aria-disabled", "true")
    page.get_by_role("radio", name="two cuts").check()
    expect(forth).to_have_attribute("aria-disabled", "false")
    for step in ("12", "30", "30"):
        forth.click(force=True)  # "disabled" at the end, but not dead
        assert slider(page).input_value() == step
    assert (
        page.locator("figcaption")
        .nth(1)
        .inner_text()
        .endswith("300 of 1,200 stay, 300 went at the last change")
    )
    back.click()
    assert slider(page).input_value() == "12" and value(page, "masked") == "50.0\u00a0%"
    back.click(force=True)
    assert slider(page).input_value() == "12"
    page.get_by_role("radio", name="nothing").check()
    assert slider(page).input_value() == "12" and value(page, "masked") == "0.0\u00a0%"
    assert blue(page, 1) == 1200


def test_keys_move_the_step_and_nothing_else(lab):
    for app in ("lab", "notebook"):
        page = opened(lab, f"keys-{app}.ipynb", "1 + 1", app=app)
        page.get_by_role("radio", name="nothing").focus()
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("radio", name="two cuts")).to_be_checked()
        bar = slider(page)
        bar.focus()
        seen = [bar.input_value()]
        for key in ("ArrowRight", "ArrowUp", "PageUp", "End", "ArrowLeft", "Home"):
            page.keyboard.press(key)
            seen.append(bar.input_value())
            expect(bar).to_be_focused()
        assert all(a != b for a, b in zip(seen, seen[1:], strict=False)), seen
        page.keyboard.press("End")
        expect(bar).to_have_attribute("aria-valuetext", re.compile("^two cuts: step 40 of 40, 2 changes"))
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Previous change")).to_be_focused()
        page.keyboard.press("Enter")
        assert bar.input_value() == "30"


def test_both_themes_a_table_and_narrow_windows(lab):
    lab.write("look.ipynb", CELL)
    lab.open("look.ipynb")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        lab.page.get_by_role("radio", name="two cuts").check()
        lab.page.get_by_role("button", name="Next change").click()
        assert lab.contrast(".ss :is(dt, dd, span, label, button, summary, p, legend):not(:empty)") >= 4.5
        lab.screenshot(f"scrubber-{theme.lower()}", lab.output(0))
    lab.page.get_by_text("The changes of the masks as a table").click()
    rows = lab.page.locator(".ss tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("12")
    expect(rows.nth(1)).to_contain_text("600")
    lab.page.set_viewport_size({"width": 640, "height": 900})
    lab.page.wait_for_function("() => document.querySelector('.ss-plot').clientWidth < 330")
    assert lab.page.locator(".ss").evaluate("(card) => card.scrollWidth <= card.clientWidth + 1")
    lab.screenshot("scrubber-narrow")


def test_a_reopened_notebook_says_how_to_load_it(lab):
    page = opened(lab, "again.ipynb")
    note = page.locator(".course-note")
    expect(note).to_be_hidden()
    lab.save()
    lab.close()
    lab.open("again.ipynb")
    expect(note).to_have_text("2 recorded runs to scrub through: run this cell to load them")


def test_the_static_twin_works_from_a_file(static_page):
    masks = [np.arange(12).reshape(3, 4) >= gone for gone in (0, 0, 6)]
    made = [Frame(step, {"dense": mask}, asked=0.1 * step) for step, mask in enumerate(masks)]
    page, requests = static_page(StepScrubber({"only one": made}).to_html())
    expect(page.get_by_role("radio")).to_have_count(0)
    page.get_by_role("button", name="Next change").click()
    assert slider(page).input_value() == "2" and value(page, "masked") == "50.0\u00a0%"
    assert value(page, "accuracy") == "–"
    slider(page).focus()
    page.keyboard.press("ArrowLeft")
    assert value(page, "masked") == "0.0\u00a0%" and blue(page, 0) == 12
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_what_cannot_be_drawn_is_said(lab):
    lab.write("none.ipynb", "from course_lib.widgets import StepScrubber\nStepScrubber({})")
    lab.open("none.ipynb")
    lab.run_all()
    expect(lab.page.get_by_role("status").filter(has_text="nothing to scrub through")).to_be_visible()
