"""Planted copies are found, independent answers are not, and the page shows it safely."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell
from tiny_course import LESSON, filled, submit

from autograder.__main__ import main
from autograder.planted import read_planted
from autograder.policy.similarity import pairs as pairing
from autograder.policy.similarity.pairs import CROWD, Work, pairs, works
from autograder.policy.similarity.tokens import tokens
from autograder.policy.similarity.winnow import SHINGLE, WINDOW, everything, prints, shingles, winnowed

PLANTED = sorted((Path(__file__).parents[1] / "planted").glob("*.py"))
ORIGINAL = '''
def smallest(weights, count):
    """Return the places of the smallest weights."""
    order = np.argsort(np.abs(weights).ravel(), kind="stable")
    chosen = order[:count]
    return [int(place) for place in chosen if weights.flat[place] != 0]


def histogram(values, bins):
    counts = [0] * bins
    low, high = min(values), max(values)
    for value in values:
        index = int((value - low) / (high - low + 1e-9) * bins)
        counts[min(index, bins - 1)] += 1
    return counts
'''
RENAMED = '''
# I wrote this all by myself
def f(w, k):
    o = np.argsort(np.abs(w).ravel(), kind='stable')   # sort
    c = o[ : k]

    return [int(p)
            for p in c if w.flat[p] != 0]
def g(v, n):
    """Count."""
    r = [0] * n
    a, b = min(v), max(v)
    for x in v:
        i = int((x - a) / (b - a + 1e-9) * n)
        r[min(i, n - 1)] += 1
    return r
'''
INDEPENDENT = """
def smallest(weights, count):
    pairs = sorted((abs(w), i) for i, w in enumerate(weights.flat))
    found = []
    for size, i in pairs[:count]:
        if size > 0:
            found.append(i)
    return found

def histogram(values, bins):
    edges = np.linspace(np.min(values), np.max(values), bins + 1)
    where = np.digitize(values, edges[1:-1])
    return np.bincount(where, minlength=bins).tolist()
"""
names = st.lists(st.from_regex(r"[a-z]{2,6}_[0-9]", fullmatch=True), min_size=8, max_size=8, unique=True)


def work(student, *sources, known=()):
    cells = [new_code_cell(source) for source in sources]
    return Work(student, cells, prints(cells, known))


def texts(source):
    return [token.text for token in tokens(new_code_cell(source))]


def reordered(source):
    head, *functions = source.split("\ndef ")
    return head + "".join("\ndef " + function for function in reversed(functions))


@given(names)
def test_names_comments_spaces_and_docstrings_do_not_count(fresh):
    own = "weights count order chosen place values bins counts".split()
    changed = ORIGINAL
    for old, new in zip(own, fresh, strict=True):
        changed = re.sub(rf"\b{old}\b", new, changed)
    changed = changed.replace("    ", "  ")
    assert texts(changed + "\n# the end") == texts(ORIGINAL)


@given(st.lists(st.integers(0, 3).map(str), max_size=60), st.lists(st.integers(0, 3).map(str), max_size=60))
def test_a_common_passage_that_is_long_enough_is_always_found(before, after):
    passage = [f"p{i}" for i in range(SHINGLE + WINDOW - 1)]
    found = []
    for stream in (before + passage + after, after + passage, passage + before):
        cell = new_markdown_cell(" ".join(stream))
        found.append({number for number, _ in winnowed(shingles(tokens(cell)))})
    assert found[0] & found[1] and found[1] & found[2] and found[0] & found[2]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_source_is_too_broken(source):
    for make in (new_code_cell, new_markdown_cell):
        cell = make(source)
        count = len(source.splitlines())
        assert all(0 <= token.line < max(1, count) for token in tokens(cell))


def test_a_broken_line_hides_nothing_else():
    broken = "%matplotlib inline\n!ls\nx = = 'oops\n" + ORIGINAL + "\n  y = 1\n z = (2\n"
    assert prints([new_code_cell(ORIGINAL)]).keys() - prints([new_code_cell(broken)]).keys() == set()


def test_planted_copies_are_found_and_honest_work_is_not():
    copies = [work("orig", ORIGINAL), work("renamed", RENAMED), work("moved", reordered(RENAMED))]
    split = work("split", *("def " + part for part in ORIGINAL.split("\ndef ")[1:]))
    found = pairs([*copies, split, work("honest", INDEPENDENT)])
    assert {frozenset((p.one.student, p.other.student)) for p in found} == {
        frozenset(pair)
        for pair in [
            ("orig", "renamed"),
            ("orig", "moved"),
            ("orig", "split"),
            ("renamed", "moved"),
            ("renamed", "split"),
            ("moved", "split"),
        ]
    }
    assert min(p.alike for p in found) > 0.7  # reordering costs the passages across the seams


def test_template_and_model_answer_are_subtracted():
    known = everything([new_code_cell(ORIGINAL)])
    assert pairs([work("ann", RENAMED, known=known), work("bob", ORIGINAL, known=known)]) == []


@pytest.mark.parametrize("file", PLANTED, ids=lambda file: file.stem)
def test_the_lessons_right_answers_in_several_styles_are_no_copies(file):
    """Student i writes every exercise in its i-th style; then one copies and renames."""
    styles = {}
    for block in read_planted(file):
        if block.passes and block.grade_id != "quiz":
            styles.setdefault(block.grade_id, []).append(block.code)
    count = min(map(len, styles.values()))
    assert count >= 2
    honest = [work(str(i), *(codes[i] for codes in styles.values())) for i in range(count)]
    assert [(p.one.student, p.other.student, p.alike) for p in pairs(honest)] == []
    stolen = [
        re.sub(r"(?<!\.)\b(weights|sparsity|keep|size)\b", r"my_\1", cell.source) for cell in honest[0].cells
    ]
    thief = work("thief", *reversed(stolen))
    (pair,) = pairs([*honest, thief])
    assert (pair.one.student, pair.other.student) == ("0", "thief") and pair.alike > 0.8


def test_what_a_crowd_wrote_makes_no_pairs():
    crowd = [work(str(i), ORIGINAL) for i in range(CROWD + 1)]
    assert pairs(crowd) == [] and len(pairs(crowd[:CROWD])) == CROWD * (CROWD - 1) // 2


def test_meetings_grow_with_the_class_not_with_its_square(monkeypatch):
    """Counted, not timed: how often two works are put beside each other."""
    looked = []

    def counted(who, two):
        found = list(combinations(who, two))
        looked[-1] += len(found)
        return found

    monkeypatch.setattr(pairing, "combinations", counted)
    for size in (60, 120):
        looked.append(0)
        circles = [f"table = {[(i // 20 + 1) * n + 1 for n in range(40)]}\n" for i in range(size)]
        group = [work(str(i), INDEPENDENT + source) for i, source in enumerate(circles)]
        assert len(pairs(group)) == size // 20 * 190
    assert 0 < looked[1] <= 2 * looked[0]


def test_the_command_writes_a_page_that_runs_nothing(course, capsys):
    evil = "<script>alert(1)</script>"
    copy = filled(course, double=RENAMED + f"\nprint('{evil}')", why=evil)
    submit(course, "a<b>", filled(course, double=ORIGINAL))
    submit(course, "cheat", copy)
    submit(course, "dora", filled(course, double=INDEPENDENT))
    submit(course, "eve", b"%PDF")
    assert main(["similarity", LESSON, "--course", course.root]) == 0
    said = capsys.readouterr().out
    assert "a<b>, cheat" in said and "1 pair of 3" in said and "is no proof" in said
    page = (course.path / "similarity" / f"{LESSON}.html").read_text("utf-8")
    assert (
        "<script" not in page and "a&lt;b&gt;" in page and "<b>" not in page and "default-src 'none'" in page
    )
    assert "is no proof" in page and "could not be read: eve" in page
    assert page.count("<mark>") > 10 and page.count('id="pair-1"') == 1 and 'id="pair-2"' not in page
    assert "<mark>" not in page.split("alert(1)")[1].split("</pre>")[0]


def test_right_answers_like_the_model_are_nobodys_copy(course):
    for name in ("ann", "bob", "cem"):
        submit(course, name, filled(course))
    found, unreadable = works(course, LESSON)
    assert pairs(found) == [] and unreadable == []


def test_refusals_are_one_sentence(course, tmp_path, capsys):
    assert main(["similarity", LESSON, "--course", course.root]) == 1
    submit(course, "ann", filled(course))
    assert main(["similarity", LESSON, "--course", course.root]) == 1
    said = capsys.readouterr().err
    assert "No submissions" in said and "not two readable submissions" in said and said.count("\n") == 2
    with pytest.raises(SystemExit):
        main(["similarity", LESSON, "--least", "0"])
