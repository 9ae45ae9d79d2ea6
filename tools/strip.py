"""Strip the source notebooks in place: `python -m tools.strip`."""

import nbformat

from tools.notebooks import lesson_names, source, stripped, text


def main() -> None:
    """Rewrite every notebook of solutions/ without outputs; says which ones changed."""
    for lesson in lesson_names():
        path = source(lesson)
        clean = text(stripped(nbformat.read(path, as_version=4)))
        if clean != path.read_text("utf-8"):
            path.write_text(clean, "utf-8")
            print(f"stripped {path.name}")


if __name__ == "__main__":
    main()
