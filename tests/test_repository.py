"""What a newcomer relies on: README code runs, links lead somewhere, versions are pinned once."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
PAGES = [ROOT / name for name in TRACKED if name.endswith(".md")]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; .*)?$")


def lock() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [PIN.match(line) for line in lines if line.strip() and not line.strip().startswith("#")]
    assert all(pins), "every line of the lock is a comment or a pin"
    return {pin[1].lower().replace("_", "-"): pin[2] for pin in pins}


def test_the_readme_starts_with_the_two_commands():
    first_block = (ROOT / "README.md").read_text().split("```")[1]
    assert re.findall(r"^make (\w+)", first_block, re.M) == ["lab", "test"]


def test_the_code_of_the_readme_runs():
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "80.0" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_map_of_the_first_lesson_links_to_every_other():
    start = json.loads((ROOT / "lessons/00_start_here/00_start_here.ipynb").read_text())
    text = "".join(line for cell in start["cells"] for line in cell["source"])
    linked = re.findall(r"\]\(\.\./(\w+)/\1\.ipynb\)", text)
    assert sorted(linked) == sorted(
        p.name for p in (ROOT / "lessons").iterdir() if p.name[:2] not in ("00", "RE")
    )


def test_make_targets_named_in_the_docs_exist():
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = {n for line in re.findall(r"`make ([a-z -]+)`", page.read_text()) for n in line.split()}
        assert named <= known, f"{page.name}: {named - known}"


def test_the_lock_pins_the_versions_the_course_was_written_for():
    from course_lib.doctor import NEEDED

    pins = lock()
    for name, needed in NEEDED.items():
        assert pins[name].startswith(f"{needed}."), f"{name} {pins[name]}"


def test_this_environment_is_the_lock():
    import importlib.metadata as metadata

    for name in ("tensorflow", "keras", "numpy", "nbgrader", "jupyterlab", "ipywidgets", "pytest", "ruff"):
        assert metadata.version(name) == lock()[name]


def test_binder_installs_exactly_the_lock_and_the_course():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"] == ["python=3.11", "pip", {"pip": ["-r requirements.lock", "-e ."]}]


def test_repo2docker_understands_the_repository():
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    assert "environment.yml" in said and "postBuild" in said


def public(tree: ast.Module):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.name.startswith("_"):
                yield node
                if isinstance(node, ast.ClassDef):
                    yield from (
                        inner
                        for inner in node.body
                        if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_")
                    )


@pytest.mark.parametrize(
    "name", [n for n in TRACKED if re.match(r"(course_lib|autograder|tools)/.*\.py$", n)]
)
def test_every_public_name_has_a_docstring(name):
    tree = ast.parse((ROOT / name).read_text())
    assert ast.get_docstring(tree) or not tree.body, name
    missing = [node.name for node in public(tree) if not ast.get_docstring(node)]
    assert not missing


def test_no_commit_names_a_machine_or_a_registry():
    forbidden = re.compile(
        "|".join(["/ro" + "ot/", "/ho" + "me/", "/wo" + "rk/", "py" + r"pi\.org", "pythonho" + "sted"])
    )
    for name in TRACKED:
        if name.endswith((".png", ".ico")) or not (ROOT / name).exists():
            continue
        assert not (found := forbidden.search((ROOT / name).read_text("utf-8"))), f"{name}: {found[0]}"


def test_set_up_says_in_a_sentence_what_is_missing(tmp_path):
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "setup.sh"
    script.write_text((ROOT / "tools" / "setup.sh").read_text())
    broken = tmp_path / "python-without-venv"
    broken.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *) exit 0;; esac\n')
    broken.chmod(0o755)
    for python, words in [("no-such-python", "No Python 3.11"), (str(broken), "its venv package")]:
        done = subprocess.run(
            ["sh", str(script)],
            env={"PATH": "/usr/bin:/bin", "PYTHON": python},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1 and words in done.stderr
    script.write_text(script.read_text().replace("need_mb=5000", "need_mb=999999999"))
    done = subprocess.run(
        ["sh", str(script)],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "free some disk space" in done.stderr
