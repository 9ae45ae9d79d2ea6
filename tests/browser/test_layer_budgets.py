"""The sliders under one budget with a real mouse and real keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from course_lib.widgets import LayerBudgets

SIZES = {"conv/kernel": 300, "hidden/kernel": 60_000, "digits/kernel": 700}
CELL = f"""from course_lib.widgets import LayerBudgets
worth = {{"conv/kernel": 0.3, "hidden/kernel": 0.2, "digits/kernel": 0.4}}
def accuracy_of(table):
    product = 0.98
    for name, share in table.items():
        product *= 1 - worth[name] * share ** 2
    return product
split = LayerBudgets({SIZES}, 0.8, accuracy_of, {{"Small ones spared": [0.0, 0.813, 0.0]}})
split"""


def number(page, tile: str) -> float:
    text = page.locator(f".cw-{tile} .cw-value").inner_text()
    return float(re.sub(r"[^\d.-]", "", text.replace("−", "-")))


def slider(page, name: str):
    return page.get_by_role("slider", name=f"Share of {name} removed")


def drag(page, name: str, to: float) -> None:
    """Drag a layer's handle to a share of the bar's width."""
    bar = slider(page, name)
    bar.scroll_into_view_if_needed()
    bar.hover()  # waits until it stands still
    box = bar.bounding_box()
    at, y = float(bar.input_value()) / 0.99, box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 6 + at * (box["width"] - 12), y)
    page.mouse.down()
    page.mouse.move(box["x"] + 6 + to * (box["width"] - 12), y, steps=12)
    page.mouse.up()


def test_dragging_one_layer_makes_the_others_pay_and_the_kernel_follows(lab):
    lab.write("drag.ipynb", CELL, "print(split.table, split.exact['kept'], sum(split.exact['kept']))")
    lab.open("drag.ipynb")
    lab.run_all()
    page = lab.page
    before = float(slider(page, "hidden").input_value())
    assert number(page, "kept") == 12_200 and number(page, "rest") == 0
    assert page.locator(".cw-accuracy .cw-value").inner_text().startswith("≈") is False
    accuracy = number(page, "accuracy")
    drag(page, "digits", 0.3)
    expect(page.locator(".cw-accuracy .cw-value")).not_to_contain_text("≈")  # the kernel has answered
    assert number(page, "accuracy") > accuracy and number(page, "rest") == 0
    assert number(page, "kept") == 12_200
    assert float(slider(page, "digits").input_value()) == pytest.approx(0.3, abs=0.02)
    expect(page.get_by_role("status").filter(has_text="budget spent exactly")).to_have_count(1)
    lab.run(1)
    said = lab.output(1).inner_text()
    assert said.strip().endswith(" 12200") and f"{before}" in f"{before}"
    share = float(re.search(r"'hidden/kernel': ([\d.]+)", said)[1])
    assert share > 0.8, "the large layer pays"
    drag(page, "digits", 0.8 / 0.99)
    assert number(page, "rest") == 0
    kept = page.locator(".lb-said small").all_inner_texts()
    assert kept[1] == "12,000 stay", "there and back leaves the others as they were"


def test_without_payers_the_budget_is_overdrawn_and_said(lab):
    lab.write("over.ipynb", CELL)
    lab.open("over.ipynb")
    lab.run_all()
    page = lab.page
    page.get_by_label("The other layers pay").uncheck()
    drag(page, "hidden", 0.5)
    rest = page.locator(".cw-rest .cw-value")
    expect(rest).to_have_text(re.compile(r"^1\d,\d{3} over$"))
    expect(page.get_by_role("img", name=re.compile("weights over the budget"))).to_be_visible()
    assert page.locator(".lb-said small").first.inner_text() == "60 stay"
    lab.screenshot("budgets-over", lab.output(0))
    page.get_by_role("button", name="Equal shares").click()
    expect(rest).to_have_text("0")
    drag(page, "hidden", 0.95)
    expect(rest).to_have_text(re.compile(r"^[\d,]+$"))
    assert number(page, "rest") > 5_000


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_move_a_layer_and_nothing_else(lab, app):
    lab.write("keys.ipynb", CELL, "1 + 1")
    lab.open("keys.ipynb", app)
    lab.run_all()
    page = lab.page
    bar = slider(page, "conv")
    bar.focus()
    seen = [bar.input_value()]
    for key in ("ArrowRight", "ArrowUp", "PageDown", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        seen.append(bar.input_value())
        expect(bar).to_be_focused()
    assert all(a != b for a, b in zip(seen, seen[1:], strict=False)), seen
    expect(bar).to_have_attribute("aria-valuetext", re.compile("^0.0\u00a0% of conv removed; 12,200 of"))
    page.keyboard.press("Tab")
    expect(slider(page, "hidden")).to_be_focused()
    button = page.get_by_role("button", name="Small ones spared")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".lb-said span").first).to_have_text("0.0\u00a0% removed")
    page.get_by_role("button", name="Equal shares").focus()
    page.keyboard.press("Space")
    expect(page.locator(".lb-said span").first).to_have_text("80.0\u00a0% removed")
    pay = page.get_by_label("The other layers pay")
    pay.focus()
    page.keyboard.press("Space")
    expect(pay).not_to_be_checked()


def test_both_themes_a_table_and_narrow_windows(lab):
    lab.write("look.ipynb", CELL)
    lab.open("look.ipynb")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        expect(slider(lab.page, "conv")).to_be_visible()
        drag(lab.page, "conv", 0.4)
        expect(lab.page.locator(".cw-accuracy .cw-value")).not_to_contain_text("≈")
        text = ".lb :is(dt, dd, span, small, label, button, summary, p):not(:empty)"
        assert lab.contrast(text) >= 4.5
        lab.screenshot(f"budgets-{theme.lower()}", lab.output(0))
    lab.page.get_by_text("The same as a table").click()
    row = lab.page.locator(".lb tbody tr").last
    expect(row).to_contain_text("61,000")
    expect(row).to_contain_text("12,200")
    lab.page.set_viewport_size({"width": 640, "height": 900})
    lab.page.wait_for_function("() => document.querySelector('.lb-strip').clientWidth < 320")
    assert lab.page.locator(".lb-row").first.evaluate("(row) => row.scrollWidth <= row.clientWidth + 1")
    lab.screenshot("budgets-narrow")


def test_a_reopened_notebook_says_how_to_load_it(lab):
    expect(lab.reopened("again.ipynb", CELL)).to_have_text(
        "Sliders for 3 layers under one budget: run this cell to load it"
    )


def test_the_static_twin_works_from_a_file(static_page):
    accuracy_of = lambda table: 0.98 * (1 - 0.5 * table["digits/kernel"])  # noqa: E731
    page, requests = static_page(LayerBudgets(SIZES, 0.8, accuracy_of).to_html())
    drag(page, "digits", 0.2)
    share = float(slider(page, "digits").input_value())
    value = page.locator(".cw-accuracy .cw-value")
    expect(value).to_contain_text("≈")
    assert number(page, "accuracy") == pytest.approx(98 * (1 - 0.5 * share), abs=0.1)
    assert number(page, "rest") == 0
    slider(page, "conv").focus()
    page.keyboard.press("ArrowLeft")
    assert number(page, "rest") == 0
    expect(page.get_by_text("Without a kernel, ≈ is an estimate")).to_be_visible()
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_what_cannot_be_drawn_is_said(lab):
    lab.write("none.ipynb", "from course_lib.widgets import LayerBudgets\nLayerBudgets({})")
    lab.open("none.ipynb")
    lab.run_all()
    expect(lab.page.get_by_role("status").filter(has_text="There are no layers to draw")).to_be_visible()
