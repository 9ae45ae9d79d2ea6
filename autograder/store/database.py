"""Open the database of nbgrader's gradebook: a file of SQLite, or PostgreSQL by URL, and say why not."""

from functools import cache

from alembic.script import ScriptDirectory
from nbgrader.api import Course, Gradebook
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError


class NoGradebook(Exception):
    """Why a gradebook cannot be used, and what to do."""


def opened(url: str, course_id: str) -> Gradebook:
    """Open a gradebook, made if there is none; raises NoGradebook with a sentence that holds no password."""
    try:
        _check_version(url)
        return _with_course(Gradebook(url, course_id))
    except ArgumentError as error:
        raise NoGradebook(
            "c.CourseDirectory.db_url is no URL of a database. "
            "One is like postgresql+psycopg://USER@HOST/DATABASE, or sqlite:////FOLDER/gradebook.db."
        ) from error
    except (SQLAlchemyError, ImportError, ValueError, TypeError) as error:
        raise NoGradebook(
            f"The gradebook {shown(url)} cannot be opened: {_reason(error, url)}. "
            "See that its server runs, that it exists, and that c.CourseDirectory.db_url is right."
        ) from error


def _with_course(book: Gradebook) -> Gradebook:
    """Enter a course without a name: lessons refer to it, and a server, unlike SQLite, insists."""
    if book.engine.dialect.name != "sqlite" and book.db.get(Course, book.course_id) is None:
        book.db.add(Course(id=book.course_id))
        book.db.commit()
    return book


def shown(url: str) -> str:
    """Return the URL without its password."""
    return make_url(url).render_as_string(hide_password=True)


@cache  # a gradebook is opened several times a submission
def _check_version(url: str) -> None:
    """Raise NoGradebook for the tables of another nbgrader, before this one adds its own to them."""
    engine = create_engine(url)
    try:
        tables = inspect(engine).get_table_names()
        if not tables:
            return
        with engine.connect() as connection:
            marked = "alembic_version" in tables
            found = connection.scalar(text("SELECT version_num FROM alembic_version")) if marked else None
    finally:
        engine.dispose()
    scripts = ScriptDirectory(ALEMBIC_DIR)
    if found == scripts.get_current_head():
        return
    if found is None or found in {script.revision for script in scripts.walk_revisions()}:
        cure = "Keep a copy of it and run `nbgrader db upgrade`."
    else:
        cure = "It was made by a newer nbgrader: install that one."
    raise NoGradebook(
        f"The gradebook {shown(url)} is of another version of nbgrader ({found or 'unmarked'}, "
        f"here {scripts.get_current_head()}). {cure}"
    )


def _reason(error: Exception, url: str) -> str:
    said = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    password = make_url(url).password
    words = said[0].rstrip(".")
    return words.replace(str(password), "***") if password else words
