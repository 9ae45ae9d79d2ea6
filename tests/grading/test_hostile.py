"""The hostile corpus: every submission has the outcome it must have, and none of them touches another.

All of it is graded in one batch of a process of its own, as the user who runs the tests. If that is root, an
ordinary user grades again those kinds for which the user matters, and all with HOSTILE=all (`make hostile`).
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest
from nasty_corpus import BETWEEN, EVERY, HONEST, KINDS
from nasty_course import HIDDEN_MARK, SOLUTION_MARK
from nasty_files import CLOSED
from nobody_help import as_nobody, can_become_nobody

from autograder.kernels import folders

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "instructor_guide.md"
CODE = re.compile(r'<div class="highlight.*?</div>', re.DOTALL)
MARKS = (HIDDEN_MARK, SOLUTION_MARK)
GIVEN_AWAY = ("BROKEN", "LEAKED")  # what a spy or a burglar prints who got something
USERS_MATTER = ["bombs", "escapes", "leaks"]
SLEEPERS = (b"time.sleep(98765)", b"sleep\x0098764")


@pytest.fixture(scope="module", params=["this user", "an ordinary user"])
def batch(request):
    """The report of `nasty_batch`, with what it left behind."""
    prefix, kinds = [], list(KINDS)
    folder = Path(mkdtemp())
    try:
        folder.chmod(0o755)
        if request.param == "an ordinary user":
            if not can_become_nobody():
                pytest.skip("only root can become an ordinary user; this user is one already")
            prefix = as_nobody(folder)
            kinds = kinds if os.environ.get("HOSTILE") == "all" else USERS_MATTER
        canary = folder / "canary"
        canary.write_text("alive")
        home = folder / "home"
        (home / "tmp").mkdir(parents=True)
        for path in (home, home / "tmp"):
            shutil.chown(path, *((65534, 65534) if prefix else (os.getuid(), os.getgid())))
        names = [name for kind in kinds for name in KINDS[kind]]
        done = _run(prefix, home, names)
        assert done.returncode == 0, done.stderr[-3000:]
        report = json.loads((home / "report.json").read_text())
        report["left"] = [path.name for path in (home / "tmp").iterdir()]
        report["canary"], report["names"] = canary.read_text(), names
        yield report
    finally:  # by what takes folders of any depth
        folders.remove(folder)


def _run(prefix, home, names):
    env = {**os.environ, "HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    env["PYTHONPATH"] = f"{HERE.parents[1]}{os.pathsep}{HERE}"
    command = [*prefix, sys.executable, str(HERE / "nasty_batch.py"), str(home), *names]
    return subprocess.run(command, env=env, cwd="/", capture_output=True, text=True)


def expected(name, batch):
    return CLOSED[name][batch["user"] != 0] if name in CLOSED else EVERY[name]


def test_every_submission_has_the_outcome_it_must_have_and_touches_no_other(batch):
    # One test, so that tests running side by side do not each grade the whole class.
    wrong = {name: found for name in batch["names"] if (found := _wrong(name, batch))}
    assert not wrong
    _honest_neighbours_fare_as_if_they_were_alone(batch)
    for text in (batch["said"], *batch["class"]["tables"]):
        assert not [mark for mark in MARKS if mark in text]
    assert "Traceback" not in batch["said"]
    # A name that nbgrader cannot work with is the one thing whoever grades must see to.
    seen_to = any(expected(name, batch).states == "error" for name in batch["names"])
    assert batch["class"]["codes"] == [int(seen_to), 0, 0, 0] and batch["alone"]["codes"] == [0, 0, 0, 0]
    assert batch["left"] == [] and batch["canary"] == "alive"
    assert batch["memory"] < 1e9, "bytes, while giants are sent to the grader"
    assert not [line for line in _commands(batch["user"]) if any(one in line for one in SLEEPERS)]


def _commands(user: int) -> list[bytes]:
    """The command lines of a user's processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += [path.read_bytes()] if path.stat().st_uid == user else []
    return found


def _wrong(name, batch) -> list[str]:
    """What is wrong with the outcome of a submission: its score, state or page, or a secret in it."""
    case, found = expected(name, batch), batch["class"]["students"][name]
    page = html.unescape(re.sub("<[^>]*>", "", CODE.sub("", found["page"])))
    given = (found["page"], re.sub("<[^>]*>", "", found["page"]), found["outputs"], found["reason"])
    wrong = [f"{mark} leaked" for mark in MARKS if any(mark in text for text in given)]
    wrong += [word for word in GIVEN_AWAY if word in found["outputs"]]
    if found["scores"] not in (case.scores, case.or_scores):
        wrong.append(f"scores {found['scores']} instead of {case.scores}: {found['reason']}")
    if found["state"] not in case.states.split():
        wrong.append(f"{found['state']} instead of {case.states}: {found['reason']}")
    if found["most"] != (12 if case.scores else 0):
        wrong.append("it has changed what a test is worth")
    return wrong + ([] if case.says in page else [f"the page does not say {case.says!r}"])


def _honest_neighbours_fare_as_if_they_were_alone(batch):
    alone = batch["alone"]["students"]
    seen = {name: found for name, found in batch["class"]["students"].items() if name[4:] in HONEST}
    assert len(seen) > len(batch["names"]) / BETWEEN
    for name, found in seen.items():
        assert found == alone[name[4:]], name
        assert found["scores"] == HONEST[name[4:]].scores and found["state"] == "graded"


def test_the_guide_says_how_many_there_are():
    rows = re.findall(r"^\| ([a-z ]+) \| (\d+) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {kind: str(len(cases)) for kind, cases in KINDS.items()}
