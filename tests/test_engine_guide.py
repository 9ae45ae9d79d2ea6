"""docs/engine.md: every block runs, one after the other."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "docs" / "engine.md"


@pytest.mark.filterwarnings("error:.*(prunes|swapped) nothing")
def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.S)):
        exec(compile(block, f"{GUIDE.name}, block {number}", "exec"), names)
    assert names["hardened"].masks.sparsity == pytest.approx(0.9, abs=1e-4)
    assert names["small"].values[names["gzip_bytes"]] <= 40_000
    assert names["tight"].values[names["judge"]] >= 0.95
    assert names["found"].masks.sparsity == pytest.approx(0.9, abs=1e-4)


def test_it_names_every_technique():
    """What is exported is a technique of the guide, or something such a call returns or is made of."""
    from course_lib import pruning

    text = GUIDE.read_text("utf-8")
    missing = {n for n in pruning.__all__ if n[0].islower() and not re.search(rf"\b{n}\b", text)}
    assert missing == set(), "add a line for these to docs/engine.md"
