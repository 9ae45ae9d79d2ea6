"""Which names a test needs, and where each comes from: read off the instructor's notebook, never run here."""

import ast
import builtins
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

# What every IPython kernel has of its own.
GIVEN = {
    *dir(builtins),
    *"get_ipython display exit quit In Out _ __ ___ _i _ii _iii _ih _oh _dh __name__".split(),
}
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Names:
    """The names that code takes from around it, at once or in a call of its functions, and those it binds."""

    loads: list[str] = field(default_factory=list)
    binds: set[str] = field(default_factory=set)


def names_of(tree: ast.AST) -> Names:
    """Return the free and the bound names of statements of a notebook's top level."""
    reader = _Reader()
    reader.visit(tree)
    later = [name for name in reader.later if name not in reader.bound]
    return Names(list(dict.fromkeys(reader.now + later)), reader.bound)


class _Reader(ast.NodeVisitor):
    """Goes through code in the order in which it runs; what functions load is loaded when they are called."""

    def __init__(self):
        self.now: list[str] = []
        self.later: list[str] = []
        self.bound: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node.id, isinstance(node.ctx, ast.Store))

    def _use(self, name: str, stored: bool) -> None:
        if stored:
            self.bound.add(name)
        elif name not in self.bound and name not in GIVEN:
            self.now.append(name)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._each([node.value, *node.targets])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._use(node.target.id, False)
        self._each([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._each([node.annotation, node.value, node.target])

    def visit_For(self, node: ast.For) -> None:
        self._each([node.iter, node.target, *node.body, *node.orelse])

    def visit_alias(self, node: ast.alias) -> None:
        self.bound.add(node.asname or node.name.split(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._each([node.type])
        if node.name:
            self.bound.add(node.name)
        self._each(node.body)

    def visit_Match(self, node: ast.Match) -> None:
        self._each([node.subject])
        for case in node.cases:
            caught = [getattr(n, "name", None) or getattr(n, "rest", None) for n in ast.walk(case.pattern)]
            self.bound |= set(filter(None, caught))
            self._each([case.pattern, case.guard, *case.body])

    def visit_FunctionDef(self, node) -> None:
        self._each([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, node.returns])
        self.bound.add(node.name)
        self.later += _free(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._each([*node.args.defaults, *node.args.kw_defaults])
        self.later += _free(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._each([*node.decorator_list, *node.bases, *node.keywords])
        body = _Reader()
        body.bound = set(self.bound)
        body._each(node.body)
        self.now += body.now
        self.later += body.later
        self.bound.add(node.name)

    def _comprehension(self, node) -> None:
        inner = _Reader()
        inner.bound = set(self.bound)
        for part in node.generators:
            inner._each([part.iter, part.target, *part.ifs])
        inner._each([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.now += inner.now
        self.later += inner.later
        self.bound |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _each(self, nodes) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)


def _free(node) -> list[str]:
    """Return the names that a function takes from the notebook's top level when it is called."""
    inner = _Reader()
    arguments = node.args
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    body = node.body if isinstance(node.body, list) else [node.body]
    outer = {name for n in ast.walk(node) if isinstance(n, ast.Global) for name in n.names}
    inner.bound = {one.arg for one in every if one}
    local = _Reader()
    local._each(body)
    inner.bound |= local.bound - outer  # assigned anywhere in a function, a name is the function's own
    inner._each(body)
    return inner.now + [name for name in inner.later if name not in inner.bound]


def parsed(source: str) -> list[ast.stmt]:
    """Return the statements of a cell, its magics made Python; none when it is no Python."""
    try:
        return ast.parse(TransformerManager().transform_cell(source)).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def patched(tree: list[ast.stmt]) -> list[list[str]]:
    """Return what a test gives a new value in a module, as `time.time = ...` does: [name, attribute]."""
    found = [n for statement in tree for n in ast.walk(statement) if isinstance(n, ast.Attribute)]
    stores = [n for n in found if isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)]
    return [list(pair) for pair in sorted({(n.value.id, n.attr) for n in stores})]
