"""The doctor says how to mend what it finds; progress reads notebooks as last saved."""

import importlib.metadata
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from course_lib import doctor, progress

LESSONS = Path(__file__).parents[1] / "lessons"


def test_this_environment_is_healthy():
    report = doctor.check()
    assert report.healthy, repr(report)
    assert "Everything the course needs is here." in report._repr_html_()
    assert set(doctor.NEEDED) <= {finding.what.split()[0] for finding in report.findings}


def test_a_missing_and_an_old_package_are_told_apart(monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name == "anywidget":
            raise importlib.metadata.PackageNotFoundError
        return "2.15.0" if name == "keras" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    report = doctor.check()
    ill = {f.what: f for f in report.findings if not f.ok}
    assert {"anywidget 0.11", "keras 3.15"} == set(ill)
    assert ill["anywidget 0.11"].found == "not installed" and ill["keras 3.15"].found == "2.15.0"
    assert all("make lab" in finding.mend for finding in ill.values())
    assert "Mend first: keras 3.15, anywidget 0.11." in repr(report)


@pytest.mark.parametrize(
    "look, replace",
    [
        ("memory", lambda m: m.setattr(doctor, "available_gb", lambda: 0.3)),
        ("disk", lambda m: m.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 0))),
        ("cache", lambda m: m.setenv("PRUNING_COURSE_CACHE", "/dev/null/nowhere")),
        ("python", lambda m: m.setattr(doctor.sys, "version_info", (3, 9, 1))),
        (
            "kernel",
            lambda m: (
                m.setattr(doctor.sys, "prefix", doctor.sys.base_prefix),
                m.delenv("CONDA_PREFIX", False),
            ),
        ),
    ],
)
def test_each_look_finds_its_illness_and_a_cure(monkeypatch, look, replace):
    replace(monkeypatch)
    (finding,) = getattr(doctor, look)()
    assert not finding.ok and len(finding.mend) > 20


@pytest.fixture
def lesson(tmp_path):
    """A copy of the released lesson 01 in a course of its own."""
    shutil.copytree(LESSONS / "01_spare_weights", tmp_path / "01_spare_weights")
    return tmp_path / "01_spare_weights" / "01_spare_weights.ipynb"


def test_a_fresh_lesson_has_nothing_done_and_all_points(lesson):
    found = progress.show("01_spare_weights", folder=lesson.parent)
    assert found.done == 0 and sum(step.points for step in found.steps) == 20
    assert {step.state for step in found.steps} == {"not run", "not yet"}
    assert progress.show(folder=lesson.parent) == found


def test_states_follow_the_saved_outputs(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    cells = {cell["id"]: cell for cell in notebook.cells}
    cells["test-sparsity"].execution_count = 3
    cells["test-gzip-bytes"].execution_count = 4
    cells["test-gzip-bytes"].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    cells["explain"].source = "The file stays as large."
    nbformat.write(notebook, lesson)
    states = {step.name: step.state for step in progress.show("01_spare_weights", lesson.parent).steps}
    assert states["sparsity"] == "passed" and states["gzip bytes"] == "not yet"
    assert states["explain"] == "written" and states["prediction"] == "not run"


@pytest.mark.parametrize("content", ["", "{", json.dumps({"cells": 3})[:-1], json.dumps({"no": "cells"})])
def test_an_unreadable_notebook_is_said_and_the_others_are_shown(lesson, content, capsys):
    other = lesson.parent.parent / "02_other" / "02_other.ipynb"
    other.parent.mkdir()
    other.write_text(content)
    found = progress.show(folder=lesson.parent)
    assert {step.lesson for step in found.steps} == {"01_spare_weights"}
    assert "02_other.ipynb cannot be read" in capsys.readouterr().out
