"""Tables: columns line up, and nothing a user named breaks the HTML."""

from course_lib.pruning.table import as_html, as_text

ROWS = [("name", "kind", "bytes"), ("a", "Dense", "1,024"), ("<lambda>", "Lambda", "0")]


def test_words_stand_left_and_numbers_right_in_lines_of_one_width():
    assert as_text(ROWS, left=2).splitlines() == [
        "name      kind    bytes",
        "a         Dense   1,024",
        "<lambda>  Lambda      0",
    ]


def test_html_is_escaped_and_has_header_cells_for_rows_and_columns():
    page = as_html(ROWS, left=2, caption="a < b")
    assert "&lt;lambda&gt;" in page and "<lambda>" not in page and "<caption>a &lt; b</caption>" in page
    assert page.count('scope="col"') == 3 and page.count('scope="row"') == 2
    assert page.count("<tr>") == 3 and page.count("text-align:right") == 3
