"""Who may import whom. The picture is in ARCHITECTURE.md; this keeps it true."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "course_lib" / "pruning"
NUMPY_ONLY = {
    "select": set(),
    "schedules": {"select"},
    "granularity": {"select"},
    "scopes": {"select"},
    "budgets": {"select", "scopes"},
    "groups": {"select", "scopes"},
}


def imports(file: Path) -> set[str]:
    """Absolute names of all modules a file imports, at any depth."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) + 1 - node.level], *filter(None, [node.module])])
            base = base if node.level else node.module
            # `from course_lib import data` imports course_lib.data, but `from .masks import Masks` a class
            is_package = (ROOT / base.replace(".", "/")).is_dir()
            names |= {f"{base}.{alias.name}" for alias in node.names} if is_package else {base}
    return names


def ours(file: Path, room: str = "course_lib") -> set[str]:
    return {name for name in imports(file) if name.split(".")[0] == room}


@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_numpy_only(name):
    found = imports(ENGINE / f"{name}.py")
    allowed = {f"course_lib.pruning.{other}" for other in NUMPY_ONLY[name]} | {"numpy"}
    assert {n for n in found if n.split(".")[0] not in sys.stdlib_module_names} <= allowed


@pytest.mark.parametrize("file", sorted(ENGINE.rglob("*.py")), ids=lambda f: f.stem)
def test_the_engine_imports_only_itself_numpy_and_keras(file):
    rest = {n.split(".")[0] for n in imports(file)} - sys.stdlib_module_names
    drawing = {"matplotlib"} if file == ENGINE / "card" / "plotting.py" else set()
    assert rest <= {"numpy", "keras", "tensorflow", "course_lib"} | drawing
    assert all(name.startswith("course_lib.pruning") for name in ours(file))


def test_matplotlib_is_loaded_only_when_something_is_drawn():
    """It takes a second, and a grading kernel or a script may have none."""
    tree = ast.parse((ENGINE / "card" / "plotting.py").read_text())
    at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("matplotlib" in ast.unparse(node) for node in at_once)


def test_the_engine_has_no_cycles():
    files = [f for f in ENGINE.rglob("*.py") if f.stem != "__init__"]
    graph = {".".join(f.relative_to(ROOT).with_suffix("").parts): ours(f) for f in files}
    while leaves := [name for name, needs in graph.items() if not needs & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert not graph, f"these import each other: {sorted(graph)}"


@pytest.mark.parametrize("room", sorted(f.name for f in ENGINE.iterdir() if (f / "__init__.py").exists()))
def test_rooms_build_on_the_core_alone(room):
    """No room of the engine knows another, and no file of the core knows a room."""
    for file in (ENGINE / room).glob("*.py"):
        inside = f"course_lib.pruning.{room}."
        assert all(name.startswith(inside) or name.count(".") == 2 for name in ours(file)), file.name
    for file in ENGINE.glob("[!_]*.py"):
        assert not any(name.startswith(f"course_lib.pruning.{room}.") for name in ours(file)), file.name


def test_gradient_tape_only_in_criteria_from_derivatives():
    using = {f.stem for f in ENGINE.rglob("*.py") for n in ast.walk(ast.parse(f.read_text())) if _is_tape(n)}
    assert using <= {"gradients", "curvature"}


def _is_tape(node):
    return isinstance(node, ast.Attribute | ast.Name) and "GradientTape" in (
        getattr(node, "attr", ""),
        getattr(node, "id", ""),
    )


def test_widgets_draw_with_the_engine_and_plots():
    allowed = ("course_lib.pruning", "course_lib.plots", "course_lib.widgets")
    for file in (ROOT / "course_lib" / "widgets").rglob("*.py"):
        assert all(name.startswith(allowed) for name in ours(file)), file.name


def test_quiz_imports_nothing_of_ours():
    files = list((ROOT / "course_lib" / "quiz").glob("*.py"))
    assert files
    for file in files:
        assert all(name.startswith("course_lib.quiz") for name in ours(file)), file.name


def test_grading_and_the_course_do_not_know_each_other():
    for file in (ROOT / "autograder").rglob("*.py"):
        assert not ours(file), file.name
    for file in (ROOT / "course_lib").rglob("*.py"):
        assert not ours(file, "autograder"), file.name
