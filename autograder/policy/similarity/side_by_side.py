"""The similarity report: a page of HTML with the notebooks of each pair side by side."""

import html

from autograder import page
from autograder.master import grade_id
from autograder.policy.similarity.pairs import Pair, Work

MOST = 50  # pairs on one page
CAUTION = (
    "Similarity is no proof of copying. Short tasks leave few ways to write an answer, students may have "
    "learnt from the same page, or worked together where that is allowed. Read both notebooks, and hear both "
    "students, before you conclude anything."
)
STYLE = """<style>body { max-width: none } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1em }
.pair > div { min-width: 0 } .pair pre { white-space: pre-wrap; margin: .3em 0 } mark { background: #ffd54d }
.where { color: #666; font-size: smaller; margin: .5em 0 0 }</style>"""


def report(lesson: str, compared: int, found: list[Pair], unreadable: list[str]) -> str:
    """Return the page; everything that students wrote is escaped."""
    shown = found[:MOST]
    parts = [
        STYLE,
        f"<h1>Similar submissions of {html.escape(lesson)}</h1>",
        f'<p class="comment">{CAUTION}</p>',
        f"<p>{compared} submissions were compared. Names, comments, spaces and docstrings do not count, "
        "nor what the lesson and its model answer contain; rare passages count most. Marked lines belong to "
        "passages that both notebooks have.</p>",
    ]
    if unreadable:
        parts.append(f"<p>These could not be read: {html.escape(', '.join(unreadable))}.</p>")
    if len(found) > MOST:
        parts.append(f"<p>{len(found)} pairs were found; the {MOST} most alike are shown.</p>")
    parts += [_contents(shown), *(_section(n, pair) for n, pair in enumerate(shown, start=1))]
    return page.document(f"Similar submissions of {lesson}", "\n".join(parts))


def _contents(found: list[Pair]) -> str:
    if not found:
        return "<p>No two submissions are as similar as was asked for.</p>"
    rows = [
        f'<tr><td><a href="#pair-{n}">{_names(p)}</a></td><td>{p.alike:.0%}</td><td>{len(p.shared)}</td></tr>'
        for n, p in enumerate(found, start=1)
    ]
    return f"<table><tr><th>who</th><th>alike</th><th>passages</th></tr>{''.join(rows)}</table>"


def _names(pair: Pair) -> str:
    return f"{html.escape(pair.one.student)} and {html.escape(pair.other.student)}"


def _section(number: int, pair: Pair) -> str:
    sides = "".join(f"<div>{_side(work, pair.shared)}</div>" for work in (pair.one, pair.other))
    head = f'<h2 id="pair-{number}">{_names(pair)}: {pair.alike:.0%} alike</h2>'
    return f'{head}<div class="pair">{sides}</div>'


def _side(work: Work, shared: frozenset[int]) -> str:
    """Return the cells in which a student wrote something of their own, shared lines marked."""
    marked: dict[int, set[int]] = {}
    for number, places in work.prints.items():
        for place in places:
            lines = marked.setdefault(place.cell, set())
            if number in shared:
                lines.update(range(place.first, place.last + 1))
    cells = [_cell(work, index, marked[index]) for index in sorted(marked)]
    return f"<h3>{html.escape(work.student)}</h3>" + "".join(cells)


def _cell(work: Work, index: int, marked: set[int]) -> str:
    cell = work.cells[index]
    where = html.escape(grade_id(cell) or "a cell of their own")
    lines = [html.escape(line) for line in cell.source.splitlines()]
    text = "\n".join(f"<mark>{x}</mark>" if i in marked else x for i, x in enumerate(lines))
    return f'<p class="where">{where}</p><pre>{text}</pre>'
