"""A cell as tokens from which everything is gone that copying hands change first."""

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode

NAME, TEXT, OWN = "name", "text", frozenset(dir(builtins))
WORD = re.compile(r"\w+")
MAGIC = re.compile(r"\s*(%|!|\?)|.*\?\s*$")
MOST = 200_000  # characters of a cell: nobody types more
TRIES = 50  # broken places in a cell; what follows is taken as words
STATEMENT_ENDS = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT)


class Token(NamedTuple):
    """One token, and the line of the cell it stands in, from 0."""

    text: str
    line: int


def tokens(cell: NotebookNode) -> list[Token]:
    """Return a cell's tokens: of Python, or of a text its words."""
    lines = cell.source[:MOST].splitlines(keepends=True)
    if cell.cell_type != "code":
        return list(_words(lines, 0))
    return list(_python(["\n" if MAGIC.match(line) else line for line in lines]))


def _words(lines: list[str], start: int) -> Iterator[Token]:
    return (Token(w.lower(), i) for i in range(start, len(lines)) for w in WORD.findall(lines[i]))


def _python(lines: list[str]) -> Iterator[Token]:
    """Yield the tokens of Python; where a line is none, go on after it."""
    start = 0
    for _ in range(TRIES):
        last = start
        try:
            for token in _normal(io.StringIO("".join(lines[start:])).readline):
                last = start + token.line
                yield Token(token.text, last)
            return
        except (tokenize.TokenError, SyntaxError):
            start = last + 1
    yield from _words(lines, start)


def _normal(readline) -> Iterator[Token]:
    """Yield tokens without comments, layout and docstrings; what may be called anything has one name."""
    starts, before = True, ""
    for token in tokenize.generate_tokens(readline):
        line = token.start[0] - 1
        if token.type in STATEMENT_ENDS:
            starts = True
            continue
        if token.type == tokenize.ENDMARKER:
            continue
        if token.type == tokenize.NAME:
            fixed = keyword.iskeyword(token.string) or before == "." or token.string in OWN
            yield Token(token.string if fixed else NAME, line)
        elif tokenize.tok_name[token.type].endswith(("STRING", "STRING_START")):
            if not starts:
                yield Token(TEXT, line)
        elif not tokenize.tok_name[token.type].startswith(("FSTRING", "TSTRING")):
            yield Token(token.string, line)
        starts, before = False, token.string
