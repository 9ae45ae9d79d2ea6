"""A notebook as a page of HTML that runs nothing: no scripts, no styles of its own, nothing loaded."""

import base64
import binascii
import html
import re

import bleach
from nbconvert.filters import ansi2html, highlight, markdown2html, strip_ansi
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

TAGS = frozenset(
    "a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q s "
    "small span strong sub sup table tbody td tfoot th thead tr tt u ul".split()
)
LINKS = ("http://", "https://", "mailto:", "#")
ATTRIBUTES = {
    "a": lambda tag, name, value: name == "title" or (name == "href" and value.startswith(LINKS)),
    "img": lambda tag, name, value: name == "alt" or (name == "src" and value.startswith("data:image/")),
    "td": ["colspan", "rowspan"],
    "*": ["class"],
}
IMAGES = ("image/png", "image/jpeg")
# The contents of these elements are never meant to be read; bleach would leave them as text.
SILENT = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# nbconvert puts a link to itself behind every heading.
ANCHOR = re.compile(r'<a class="anchor-link"[^>]*>.*?</a>')
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
EMPTY = frozenset("br hr img input meta link col wbr area".split())
DEEPEST = 250  # elements within each other: bleach takes the square of that
LONGEST_TEXT, LONGEST_CODE = 20_000, 200_000  # characters that are rendered; more are shown as they stand
CODE = highlight.Highlight2HTML()
STYLE = (
    HtmlFormatter(style="default").get_style_defs(".highlight")
    + """
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse } td, th { border: 1px solid #bbb; padding: .2em .6em; text-align: left }
pre { overflow-x: auto; background: #f6f6f6; padding: .5em } img { max-width: 100% }
.cell { margin: 1em 0 } .marked { border-left: 4px solid #36c; padding-left: 1em }
.score { font-weight: bold } .reason, .comment { background: #fff6d6; padding: .5em 1em }
.error pre { background: #fdecec }
"""
)
# Even if something slips through the cleaning, the browser runs and loads nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title: str, body: str) -> str:
    """Wrap a body in a page."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)}</title><style>{STYLE}</style></head>
<body>{body}</body></html>
"""


def table(header: list[str], rows: list[list[str]]) -> str:
    """Render a table of plain texts."""
    lines = [("th", header), *(("td", row) for row in rows)]
    cells = ["".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in row) for tag, row in lines]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def markdown(text: str) -> str:
    """Render Markdown and clean the result, in that order: cleaned Markdown can still become a script."""
    if len(text) > LONGEST_TEXT:  # what converts it takes the square of its length
        return f"<pre>{html.escape(text)}</pre>"
    try:
        return clean(ANCHOR.sub("", markdown2html(text)))
    except RecursionError:
        return f"<pre>{html.escape(text)}</pre>"


def clean(markup: str) -> str:
    """Keep the harmless tags and attributes of foreign HTML."""
    if _depth(markup) > DEEPEST:
        return f"<pre>{html.escape(markup)}</pre>"
    return bleach.clean(
        SILENT.sub("", markup), TAGS, ATTRIBUTES, protocols={"http", "https", "mailto", "data"}, strip=True
    )


def _depth(markup: str) -> int:
    """Return how deep elements may lie within each other, taking those that end by themselves for open."""
    depth = most = 0
    for match in TAG.finditer(markup):
        depth += 0 if match[2].lower() in EMPTY else -1 if match[1] else 1
        most, depth = max(most, depth), max(depth, 0)
    return most


def cell(node: NotebookNode) -> str:
    """Render a cell and its outputs."""
    if node.cell_type == "markdown":
        return markdown(node.source)
    if node.cell_type == "raw":
        return f"<pre>{html.escape(node.source)}</pre>"
    code = f"<pre>{html.escape(node.source)}</pre>"
    if len(node.source) <= LONGEST_CODE:
        code = clean(CODE(node.source))
    return code + "".join(_output(output) for output in node.outputs)


def _output(node: NotebookNode) -> str:
    if node.output_type == "stream":
        return f"<pre>{ansi_text(node.text)}</pre>"
    if node.output_type == "error":
        return f'<div class="error"><pre>{ansi_text(chr(10).join(node.traceback))}</pre></div>'
    return _data(node.data)


def ansi_text(text: str) -> str:
    """Render a terminal's text."""
    return clean(ansi2html(text))


def _data(bundle: dict) -> str:
    for kind in IMAGES:
        if kind in bundle and (encoded := _base64(bundle[kind])):
            return f'<img alt="a figure" src="data:{kind};base64,{encoded}">'
    if "text/html" in bundle:
        return clean(_text(bundle["text/html"]))
    if "text/markdown" in bundle:
        return markdown(_text(bundle["text/markdown"]))
    return f"<pre>{html.escape(strip_ansi(_text(bundle.get('text/plain', ''))))}</pre>"


def _text(value) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _base64(value) -> str | None:
    """Return base64 that is nothing but base64."""
    try:
        return base64.b64encode(base64.b64decode(_text(value))).decode()
    except (binascii.Error, ValueError):
        return None
