"""docs/structured.md: its worked case runs and does what the page says."""

import re
from pathlib import Path

from course_lib.pruning import parameters

GUIDE = Path(__file__).parents[1] / "docs" / "structured.md"


def test_the_worked_case_runs_and_recovers():
    names = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.S)):
        exec(compile(block, f"{GUIDE.name}, block {number}", "exec"), names)
    model, small = names["model"], names["small"]
    assert model.get_layer("stem_conv").filters == 16, "the given model stays as it is"
    assert small.get_layer("stem_conv").filters == 11
    assert parameters(small).total < 0.55 * parameters(model).total
    assert names["tuned"] > 0.9 > names["cut"]
