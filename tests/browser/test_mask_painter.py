"""The mask painter with a real mouse and real keys; what it counts is compared with the engine."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from course_lib.widgets import MaskPainter

CELL = """import numpy as np
from course_lib.widgets import MaskPainter
painter = MaskPainter.with_patterns(np.random.default_rng(0).normal(size=(16, 16)))
painter"""
COUNTED = "print(painter.mask.sum(), painter.mask[:4, :4].sum(), painter.mask[0].astype(int))"


def box(page, row: int, column: int):
    return page.get_by_title(re.compile(f"^input {row}, output {column}:"))


def brush(page, name: str) -> None:
    page.get_by_role("radio", name=name).check()


def start(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def value(page, tile: str):
    return page.locator(f".cw-{tile} .cw-value")


def formats(page) -> dict[str, list[str]]:
    """{format: [bytes, multiplications]} as the table says them, without the mark of the smallest."""
    rows = page.locator(".mp-formats tbody tr").all()
    said = [[cell.inner_text() for cell in row.locator("th, td span").all()] for row in rows]
    return {name: [re.sub(r"[^\d a-z]|fewest", "", text).strip() for text in rest] for name, *rest in said}


def stroke(page, *places: tuple[int, int]) -> None:
    """Press on the first box, draw over the others, let go."""
    boxes = []
    for place in places:
        area = box(page, *place).bounding_box()
        boxes.append((area["x"] + area["width"] / 2, area["y"] + area["height"] / 2))
    page.mouse.move(*boxes[0])
    page.mouse.down()
    for x, y in boxes[1:]:
        page.mouse.move(x, y, steps=3)
    page.mouse.up()


def test_strokes_paint_what_the_brush_covers_and_the_kernel_has_the_mask(lab):
    lab.write("paint.ipynb", CELL, COUNTED)
    lab.open("paint.ipynb")
    lab.run_all()
    page = lab.page
    box(page, 15, 15).scroll_into_view_if_needed()
    expect(value(page, "kept")).to_have_text("256")
    stroke(page, (0, 0), (0, 9))
    expect(value(page, "kept")).to_have_text("246")
    expect(box(page, 0, 5)).to_have_attribute("aria-pressed", "false")
    brush(page, "block 4 × 4")
    stroke(page, (5, 5), (5, 5))
    expect(value(page, "kept")).to_have_text("230")
    expect(value(page, "blocks")).to_have_text("15")
    brush(page, "one weight")
    stroke(page, (0, 2), (0, 4))  # begins on a removed box: brings back
    expect(value(page, "kept")).to_have_text("233")
    expect(page.get_by_role("status").filter(has_text="233 of 256 weights stay")).to_have_count(1)
    lab.run(1)
    assert lab.output(1).inner_text().split() == "233 14 [0 0 1 1 1 0 0 0 0 0 1 1 1 1 1 1]".split()
    brush(page, "whole output")
    stroke(page, (9, 15), (9, 15))
    expect(value(page, "kept")).to_have_text("217")
    start(page, "Keep all")
    expect(value(page, "kept")).to_have_text("256")


def test_the_buttons_are_legal_where_they_should_be(lab):
    lab.write("starts.ipynb", CELL)
    lab.open("starts.ipynb")
    lab.run_all()
    page = lab.page
    start(page, "2 : 4")
    expect(value(page, "inputs")).to_have_text("yes")
    expect(value(page, "outputs")).to_have_text("no")
    assert formats(page)["2 : 4"] == ["544", "128"]
    start(page, "Blocks")
    expect(value(page, "blocks")).to_have_text("8")
    expect(value(page, "inputs")).to_have_text("no")
    assert formats(page)["2 : 4"] == ["not legal", "not legal"]
    start(page, "Free")
    expect(value(page, "kept")).to_have_text("128")
    assert formats(page)["dense"] == ["1024", "256"] and formats(page)["CSR"] == ["1092", "128"]


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_move_and_paint_and_nothing_else(lab, app):
    lab.write("keys.ipynb", CELL, "1 + 1")
    lab.open("keys.ipynb", app)
    lab.run_all()
    page = lab.page
    box(page, 0, 0).focus()
    moves = [("ArrowDown", (1, 0)), ("ArrowRight", (1, 1)), ("End", (1, 15)), ("ArrowRight", (1, 15))]
    for key, at in [
        *moves,
        ("ArrowUp", (0, 15)),
        ("Home", (0, 0)),
        ("ArrowLeft", (0, 0)),
        ("ArrowUp", (0, 0)),
    ]:
        page.keyboard.press(key)
        expect(box(page, *at)).to_be_focused()
    page.keyboard.press("Space")
    expect(box(page, 0, 0)).to_have_attribute("aria-pressed", "false")
    expect(box(page, 0, 0)).to_have_attribute("aria-label", "Input 0, output 0, removed")
    expect(value(page, "kept")).to_have_text("255")
    page.keyboard.press("Enter")
    expect(value(page, "kept")).to_have_text("256")
    radio = page.get_by_role("radio", name="one weight")
    radio.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="4 inputs")).to_be_checked()
    page.keyboard.press("Tab")
    expect(box(page, 0, 0)).to_be_focused()
    page.keyboard.press("Space")
    expect(value(page, "kept")).to_have_text("252")
    page.get_by_role("button", name="Blocks").focus()
    page.keyboard.press("Enter")
    expect(value(page, "kept")).to_have_text("128")


def test_both_themes_a_table_and_narrow_windows(lab):
    lab.write("look.ipynb", CELL)
    lab.open("look.ipynb")
    for theme, pattern in [("Light", "2 : 4"), ("Dark", "Blocks")]:
        lab.theme(f"JupyterLab {theme}")
        lab.run_all()
        start(lab.page, pattern)
        box(lab.page, 9, 9).scroll_into_view_if_needed()
        stroke(lab.page, (9, 2), (9, 7))
        text = (
            ".mp :is(dt, dd, span, legend, label, caption, summary, th, p, .cw-controls button):not(:empty)"
        )
        assert lab.contrast(text) >= 4.5
        lab.screenshot(f"painter-{theme.lower()}", lab.output(0))
    lab.page.get_by_text("The mask as a table").click()
    kept = lab.page.locator(".mp details tbody tr").nth(9)
    expect(kept).to_contain_text(re.compile(r"^9\d+[\d, ]+$"))
    lab.page.set_viewport_size({"width": 640, "height": 1200})
    lab.page.wait_for_function("() => document.querySelector('.mp').clientWidth < 400")
    assert lab.page.locator(".mp").evaluate("(card) => card.scrollWidth <= card.clientWidth + 1")
    lab.screenshot("painter-narrow", lab.output(0))


def test_a_reopened_notebook_says_how_to_load_it(lab):
    expect(lab.reopened("again.ipynb", CELL)).to_have_text(
        "A mask to paint on 16 × 16 weights: run this cell to load it"
    )


@pytest.mark.parametrize(
    "shape, block", [((16, 16), (4, 4)), ((13, 10), (4, 4)), ((9, 7), (3, 5)), ((1, 6), (2, 2))]
)
def test_the_static_twin_counts_as_the_engine_does(static_page, shape, block):
    from course_lib.pruning import bitmask_bytes, bsr_bytes, csr_bytes

    rng = np.random.default_rng(shape[0])
    weights = rng.normal(size=shape).astype("float32")
    masks = {f"Share {share}": rng.random(shape) < share for share in (0.0, 0.1, 0.5, 0.9)}
    page, requests = static_page(MaskPainter(weights, masks, block).to_html())
    for label, mask in masks.items():
        start(page, label)
        expect(value(page, "kept")).to_have_text(f"{mask.sum()}")
        cut = weights * mask
        said = {name: row[0] for name, row in formats(page).items()}
        high, wide = block
        assert said["CSR"] == f"{csr_bytes(cut)}" and said["bitmask"] == f"{bitmask_bytes(cut)}"
        assert said[f"BSR {high} × {wide}"] == f"{bsr_bytes(cut, block)}" and said["dense"] == f"{cut.nbytes}"
        groups = np.pad(mask, [(0, -shape[0] % 4), (0, 0)]).reshape(-1, 4, shape[1]).sum(axis=1)
        over = int((groups > 2).sum())
        wanted = "not legal" if over else f"{groups.size * 8 + -(-groups.size * 4 // 8)}"
        assert said["2 : 4"] == wanted
        magnitude = 100 * np.abs(cut).sum() / np.abs(weights).sum()
        expect(value(page, "magnitude")).to_have_text(re.compile(rf"^{magnitude:.1f}\s%$"))
    brush(page, "one weight")
    stroke(page, (0, 0), (0, 0))
    expect(value(page, "kept")).to_have_text(f"{mask.sum() + (-1 if mask[0, 0] else 1)}")
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_what_cannot_be_drawn_is_said(lab):
    lab.write(
        "none.ipynb",
        "from course_lib.widgets import MaskPainter\nimport numpy as np\nMaskPainter(np.ones((0, 3)))",
    )
    lab.open("none.ipynb")
    lab.run_all()
    expect(lab.page.get_by_role("status").filter(has_text="There are no weights to paint on")).to_be_visible()
