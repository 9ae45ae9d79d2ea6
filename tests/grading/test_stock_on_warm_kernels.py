"""One line of configuration gives stock nbgrader and the Validate button sealed kernels that start warm."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tiny_course import DOUBLE, LESSON, RIGHT, filled, submit

from autograder.kernels import seal, spec
from autograder.store import gradebook

pytestmark = pytest.mark.skipif(bool(seal.possible()), reason=str(seal.possible()))
ROOT = Path(__file__).parents[2]
LINE = '\nc.ExecutePreprocessor.kernel_name = "pruning-warm"\n'
# Without the seal and the kernelspec's limit `double` stays undefined, and its tests fail.
SEALED = """import resource
assert "Seccomp:\\t2" in open("/proc/self/status").read()
assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 1234567
"""
# What the handler of the button does, twice in one server.
BUTTON = """
import json, sys
from nbgrader.validator import Validator
from traitlets.config import PyFileConfigLoader
from autograder.kernels import warm

for name in sys.argv[1:]:
    config = PyFileConfigLoader("nbgrader_config.py").load_config()
    failed = Validator(config=config).validate(name).get("failed", [])
    print(json.dumps([warm.current().process.pid, [cell["error"] for cell in failed]]))
"""


@pytest.fixture
def env(tmp_path):
    """The environment after `autograder doctor --install`, whichever one the tests run in."""
    spec.install({"file": 1234567}, prefix=str(tmp_path))
    paths = [str(ROOT)]
    if not entry_points(group="jupyter_client.kernel_provisioners", name=spec.NAME):
        made = tmp_path / "installed" / "pruning_warm-0.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text("Metadata-Version: 2.1\nName: pruning-warm\nVersion: 0\n")
        point = f"{spec.NAME} = autograder.kernels.provisioner:WarmProvisioner"
        (made / "entry_points.txt").write_text(f"[jupyter_client.kernel_provisioners]\n{point}\n")
        paths.append(str(made.parent))
    found = {"PYTHONPATH": os.pathsep.join(paths), "JUPYTER_PATH": str(tmp_path / "share" / "jupyter")}
    return os.environ | found


def run(course, env, *command):
    done = subprocess.run(
        [sys.executable, *command], cwd=course.root, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done


def test_stock_autograde_and_validate(course, env):
    config = course.path / "nbgrader_config.py"
    config.write_text(config.read_text() + LINE)
    submit(course, "ann", filled(course, double=SEALED + DOUBLE))
    submit(course, "bob", filled(course, double=SEALED))
    said = run(course, env, "-m", "nbgrader", "autograde", LESSON).stderr
    assert "UNSANDBOXED" not in said
    scores = gradebook.scores(course, LESSON)
    assert {name: score for name, (score, _) in scores["ann"].cells.items()} == RIGHT
    assert scores["bob"].cells["test_double_more"] == (0, 2) and scores["bob"].cells["test_count"] == (2, 2)
    right = course.path / "submitted" / "ann" / LESSON / f"{LESSON}.ipynb"
    wrong = right.with_name("wrong.ipynb")
    wrong.write_text(json.dumps(filled(course, double="def double(x): return x")))
    printed = run(course, env, "-c", BUTTON, str(right), str(wrong)).stdout
    (pid, nothing), (same, errors) = map(json.loads, printed.splitlines())
    assert nothing == [] and "twice two is four" in errors[0] and pid == same
