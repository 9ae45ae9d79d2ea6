"""How broken files and folders are made, see `nasty_files`."""

import json
import os

import nbformat
from nasty_course import (
    LESSON,
    QUIZ,
    RIGHT,
    by_id,
    edited,
    hand_in,
    notebook,
)
from nbformat import v3
from nbformat.v4 import new_code_cell, new_output

NAME = f"{LESSON}.ipynb"
STUBS = QUIZ  # nothing of the notebook counts, and a right answers.json lies beside it


def right(change, **files):
    """A right submission after `change(notebook)`."""
    return edited(change, RIGHT, **files)


def loaded(change):
    """A right submission after `change` of the JSON as Python has it."""

    def make(course, folder):
        found = json.loads(json.dumps(notebook(course)))
        hand_in(folder, json.dumps(change(found) or found).encode())

    return make


def beside(change, name=NAME):
    """A right submission, then `change(folder, notebook's path)`."""

    def make(course, folder):
        hand_in(folder, notebook(course))
        change(folder, folder / name)

    return make


def instead(change):
    """A folder with a right answers.json and whatever `change(path of the notebook)` makes in its place."""

    def make(course, folder):
        hand_in(folder, b"")
        (folder / NAME).unlink()
        change(folder / NAME)

    return make


def old(version):
    def make(course, folder):
        made = notebook(course)
        made.cells = [nbformat.from_dict(json.loads(json.dumps(cell))) for cell in made.cells]
        written = v3.writes_json(nbformat.convert(made, 3))
        hand_in(folder, written.replace('"nbformat": 3', f'"nbformat": {version}').encode())

    return make


def every_cell(**values):
    def change(nb):
        for cell in nb["cells"]:
            cell.update(values)

    return loaded(change)


def outputs_of_100_mb(nb):
    made = new_output("stream", text="x" * 95_000_000)
    by_id(nb, "share").outputs = [made]


def many_cells(nb):
    nb.cells += [new_code_cell("1") for _ in range(1500)]


def attachments(nb):
    by_id(nb, "why")["attachments"] = {"a.png": {"image/png": 5}, "b": {"x": [[[]]]}, "c": {}}


def deep_attachment(nb):
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown":
            cell["attachments"] = {"a": {"image/png": nested(300)}}


def nested(depth):
    found = "x"
    for _ in range(depth):
        found = {"x": found}
    return found


def markdown_bomb(nb):
    by_id(nb, "why").source = "[" * 20_000 + "\n\n" + "> " * 3_000 + "x\n\n" + "*a_ " * 5_000 + "![" * 5_000


def long_source(nb):
    nb.cells.append(new_code_cell("x = '''" + "(" * 3_000_000 + "'''"))


def with_nothing(nb):
    nb.cells.append(new_code_cell("x = 1\0"))


def sparse(folder, _):
    with (folder / "sparse.bin").open("wb") as file:
        file.truncate(1 << 40)


def deep_folder(folder, _):
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def many_files(folder, _):
    for i in range(3000):
        (folder / f"{i}.txt").touch()


def devices(folder, _):
    os.mkfifo(folder / "timestamp.txt")
    os.mkfifo(folder / "data.csv")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(".")
    (folder / "passwd").symlink_to("/etc/passwd")


def endless_time(folder, _):
    (folder / "timestamp.txt").symlink_to("/dev/zero")


def odd_times(folder, _):
    (folder / "timestamp.txt").write_bytes(b"9" * 3_000_000)


def closed(folder, _):
    (folder / "inner").mkdir()
    (folder / "inner" / "x").touch()
    (folder / "inner").chmod(0)


def closed_notebook(folder, path):
    path.chmod(0)


def odd_names(folder, path):
    for name in (
        b"caf\xe9.txt",
        b"\x1b[2Jclear",
        b"two\nlines",
        b"-rf *",
        b"[red]",
        b"%s%n",
        b"$(id)",
        b"a" * 255,
    ):
        with open(os.path.join(os.fsencode(folder), name), "w"):
            pass


def renamed(name: bytes):
    def change(folder, path):
        os.rename(path, os.path.join(os.fsencode(folder), name))

    return beside(change)


def link_to_neighbour(path):
    path.symlink_to(path.parents[2] / "000 honest and right" / LESSON / NAME)


def linked_folder(course, folder):
    """The lesson's folder is a link to the neighbour's."""
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder.parents[1] / "000 honest and right" / LESSON)


def a_file(course, folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file, not a folder")


def duplicates(data: str) -> bytes:
    return ('{"cells": 7, "metadata": [], ' + data.lstrip().lstrip("{")).encode()
