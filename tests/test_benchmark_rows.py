"""benchmarks/rows.py: an interrupted run loses no row, and a page only changes between its marks."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

SPEC = importlib.util.spec_from_file_location(
    "benchmark_rows", Path(__file__).parents[1] / "benchmarks" / "rows.py"
)
rows = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(rows)


@pytest.mark.parametrize("cut", range(1, 15))
def test_wherever_the_last_line_was_cut_off_the_run_goes_on_after_the_one_before(tmp_path, cut):
    log = tmp_path / "new folder" / "rows.jsonl"
    rows.add(log, {"seed": 0})
    rows.add(log, {"seed": 1, "×": 2})
    log.write_bytes(log.read_bytes()[:-cut])
    assert rows.read(log) == [{"seed": 0}]
    rows.add(log, {"seed": 1})
    assert rows.read(log) == [{"seed": 0}, {"seed": 1}]


def test_a_run_that_never_was_has_no_rows(tmp_path):
    assert rows.read(tmp_path / "none.jsonl") == []


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_mean_is_in_percent_with_its_standard_error(values):
    middle, error = (float(part) for part in rows.mean(values).split(" ± "))
    assert middle == pytest.approx(100 * np.mean(values), abs=0.051)
    assert error == pytest.approx(100 * np.std(values, ddof=1) / len(values) ** 0.5, abs=0.051)


def test_of_one_seed_there_is_no_standard_error_and_of_none_no_mean():
    assert rows.mean([0.5, None]) == "50.0" and rows.mean([None]) == "–"


def test_only_what_is_between_the_marks_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- end of a -->\nafter\n", "utf-8")
    rows.write(page, "a", "new")
    rows.write(page, "a", "newer")
    assert page.read_text("utf-8") == "before\n<!-- a -->\n\nnewer\n\n<!-- end of a -->\nafter\n"
    with pytest.raises(ValueError, match="end of b"):
        rows.write(page, "b", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]
