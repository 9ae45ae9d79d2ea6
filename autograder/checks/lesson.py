"""What the checker runs for each test: the test, what it needs of the lesson, and what of the student."""

import ast
import json
from dataclasses import dataclass

from nbformat import NotebookNode
from nbgrader import utils

from autograder.checks.names import DEFINITIONS, Names, names_of, parsed, patched
from autograder.master import Master, grade_id, is_test


@dataclass(frozen=True)
class Check:
    """One test cell. `source` is the whole of it, `visible` what students were given.

    `statements` are the lesson's imports and definitions that it needs, `fetched` the names that the
    student's kernel has, `left` those that an earlier test leaves (where that failed, the student's kernel
    has them too), `aliases` short names that the lesson gives to what it imports (where that is data, the
    student's kernel has them too), `patched` what the test changes in modules, as [name, attribute].
    """

    source: str
    visible: str
    statements: list[str]
    fetched: list[str]
    left: list[str]
    aliases: list[str]
    patched: list[list[str]]


@dataclass(frozen=True)
class Statement:
    """A statement of the notebook's top level; `kind` is that of its cell: "test", "answer" or "text".

    `alias` tells whether it gives a name to what the lesson imports, as `layers = keras.layers` does.
    """

    tree: ast.stmt
    kind: str
    names: Names
    alias: bool = False

    @property
    def imports(self) -> bool:
        """Whether it is an import that the checker runs too."""
        return isinstance(self.tree, ast.Import | ast.ImportFrom) and self.kind != "test"

    @property
    def taken(self) -> bool:
        """Whether the checker runs it too: imports of any cell, definitions that are no student's."""
        return self.imports or self.alias or self.kind == "text" and isinstance(self.tree, DEFINITIONS)


def checks(master: Master) -> dict[str, Check]:
    """Return what to run for every test of a lesson, by grade id."""
    before: list[Statement] = []
    found = {}
    for cell in master.notebook:
        tree = parsed(cell.source) if cell.cell_type == "code" else []
        if is_test(cell):
            found[grade_id(cell)] = _check(cell, tree, before, master)
        before += _statements(cell, tree, before)
    return found


def asked_for(master: Master) -> list[str]:
    """Return the classes that a lesson asks for: only their instances can be looked at from outside."""
    trees = [parsed(c.source) for c in master.notebook if utils.is_solution(c)]
    return sorted({s.name for tree in trees for s in tree if isinstance(s, ast.ClassDef)})


def _statements(cell: NotebookNode, tree: list[ast.stmt], before: list[Statement]) -> list[Statement]:
    kind = "test" if is_test(cell) else "answer" if utils.is_solution(cell) else "text"
    found: list[Statement] = []
    for one in tree:
        alias = kind == "text" and _is_alias(one, before + found)
        found.append(Statement(one, kind, names_of(one), alias))
    return found


def _is_alias(tree: ast.stmt, before: list[Statement]) -> bool:
    """Whether this gives one name to an attribute of something imported, or of such an alias."""
    if not isinstance(tree, ast.Assign) or [type(one) for one in tree.targets] != [ast.Name]:
        return False
    root = tree.value
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return False
    origin = next((one for one in reversed(before) if root.id in one.names.binds), None)
    return origin is not None and (origin.imports or origin.alias)


def _check(cell: NotebookNode, tree: list[ast.stmt], before: list[Statement], master: Master) -> Check:
    needed = list(names_of(ast.Module(tree, [])).loads)
    taken = {i for i, s in enumerate(before) if s.taken and _is_star(s.tree)}
    fetched, left, aliases = [], [], []
    for name in needed:  # it grows on the way: what is taken needs names, too
        place = next((i for i in reversed(range(len(before))) if name in before[i].names.binds), None)
        origin = before[place] if place is not None else None
        if origin and (origin.taken or origin.kind == "test"):
            whole = origin.alias or isinstance(origin.tree, DEFINITIONS)
            needed += [n for n in origin.names.loads if whole and n not in needed]
        if origin and origin.taken:
            taken.add(place)
            aliases += [name] * origin.alias
        elif origin is None or origin.kind != "test":
            fetched.append(name)
        elif not isinstance(origin.tree, DEFINITIONS):
            left.append(name)
    statements = [ast.unparse(before[i].tree) for i in sorted(taken)]
    return Check(
        cell.source, master.released[grade_id(cell)], statements, fetched, left, aliases, patched(tree)
    )


def _is_star(tree: ast.stmt) -> bool:
    return isinstance(tree, ast.ImportFrom) and any(alias.name == "*" for alias in tree.names)


@dataclass(frozen=True)
class Tests:
    """All that a run needs to know of a lesson's tests: plain data, so that it can run elsewhere.

    `checks` are by grade id, `visible` are the sources of locked cells as students were given them,
    `classes` those whose instances may be looked at from outside.
    """

    checks: dict[str, Check]
    visible: dict[str, str]
    classes: list[str]


def tests_of(master: Master) -> Tests:
    """Return a lesson's tests."""
    locked = [grade_id(c) for c in master.cells if utils.is_locked(c) and c.cell_type == "code"]
    return Tests(checks(master), {name: master.released[name] for name in locked}, asked_for(master))


def from_text(text: str) -> Tests:
    """Return the tests that `json.dumps(asdict(tests))` made."""
    said = json.loads(text)
    checks = {name: Check(**one) for name, one in said["checks"].items()}
    return Tests(checks, said["visible"], said["classes"])
