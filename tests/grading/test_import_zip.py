"""Zips of Canvas and Moodle become submissions; what would do harm stays outside."""

import stat
import zipfile

import nbformat
import pytest
from tiny_course import LESSON, filled

from autograder.__main__ import main
from autograder.archive import import_zip
from autograder.course import CourseError
from autograder.grade import grade


def packed(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def inside(course):
    root = course.path / "submitted"
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_canvas(course, tmp_path):
    notebook = nbformat.writes(filled(course))
    names = {
        f"leejane_123_4567_{LESSON}-1.ipynb": notebook,
        "leejane_123_4568_answers.json": '{"count": "b"}',
        f"roebob_LATE_124_4569_{LESSON}.ipynb": notebook,
        "notes.txt": "?",
    }
    taken = import_zip(course, LESSON, packed(tmp_path / "c.zip", names))
    assert taken.students == {"leejane": [f"{LESSON}.ipynb", "answers.json"], "roebob": [f"{LESSON}.ipynb"]}
    assert taken.notes == ["'notes.txt' was left out: its name tells no student."]
    outcome = grade(course, LESSON, jobs=2)
    assert {name: result.state for name, result in outcome.items()} == dict.fromkeys(outcome, "graded")


def test_moodle_replaces_a_students_folder_whole_and_no_other(course, tmp_path):
    old = course.path / "submitted" / "Jane-Lee_4711" / LESSON / "old.txt"
    old.parent.mkdir(parents=True)
    old.write_text("first try")
    (course.path / "submitted" / "bob").mkdir()
    names = {
        "Jane Lee_4711_assignsubmission_file_/mine.ipynb": "{}",
        "Al_1_assignsubmission_file/x.ipynb": "{}",
    }
    import_zip(course, LESSON, packed(tmp_path / "m.zip", names))
    assert inside(course) == [f"Al_1/{LESSON}/x.ipynb", f"Jane-Lee_4711/{LESSON}/mine.ipynb"]
    assert sorted(p.name for p in (course.path / "submitted").iterdir()) == ["Al_1", "Jane-Lee_4711", "bob"]


def test_what_would_do_harm_stays_outside(course, tmp_path):
    link = zipfile.ZipInfo("eve_1_2_link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    names = {
        "../eve_1_2_up.ipynb": "x",
        "/eve_1_2_root.ipynb": "x",
        "..\\eve_1_2_windows.ipynb": "x",
        "../x_1_assignsubmission_file_/../../../up.ipynb": "x",
        "eve_1_2_.hidden": "x",
        "eve_1_2_bomb.ipynb": bytes(50_000_000),
        link: "/etc/passwd",
        "ann_1_2_good.ipynb": "{}",
    }
    taken = import_zip(course, LESSON, packed(tmp_path / "e.zip", names))
    assert inside(course) == [f"ann/{LESSON}/good.ipynb"] and len(taken.notes) == len(names) - 1
    assert not list(tmp_path.glob("*up*")) and any("50 MB" in note for note in taken.notes)


def test_a_broken_zip_changes_nothing(course, tmp_path):
    path = packed(tmp_path / "b.zip", {"ann_1_2_a.ipynb": "{}" * 999, "bob_1_2_b.ipynb": "{}"})
    data = bytearray(path.read_bytes())
    start = data.index(b"bob_1_2_b.ipynb") + len("bob_1_2_b.ipynb")
    data[start : start + 2] = b"\xff\xff"
    path.write_bytes(data)
    with pytest.raises(CourseError, match="cannot be read"):
        import_zip(course, LESSON, path)
    assert inside(course) == []


def test_the_command(course, tmp_path, capsys):
    where = ["--course", course.root]
    good = packed(tmp_path / "c.zip", {"ann_1_2_a.ipynb": "{}", "x": "?"})
    assert main(["import-zip", LESSON, str(good), *where]) == 0
    assert "1 submission: ann" in capsys.readouterr().out
    for path, words in [
        (tmp_path / "no.zip", "cannot be read"),
        (packed(tmp_path / "n.zip", {"x": ""}), "Nothing"),
    ]:
        assert main(["import-zip", LESSON, str(path), *where]) == 1
        assert words in capsys.readouterr().err
