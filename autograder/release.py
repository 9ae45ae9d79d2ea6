"""Release a lesson in a course folder: what `nbgrader generate_assignment` does."""

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException

from autograder.course import Course, CourseError
from autograder.nbgrader_log import cause, listener


def release(course: Course, lesson: str) -> None:
    """Write the students' version of a lesson and enter the lesson into the gradebook.

    Raises CourseError with nbgrader's complaint about the source notebook.
    """
    course = Course(config=course.config, root=course.root, assignment_id=lesson)
    course.gradebook().close()  # says in a sentence what is wrong with it
    log, words = listener()
    try:
        GenerateAssignment(coursedir=course, config=course.config, log=log, force=True).start()
    except NbGraderException as error:
        raise CourseError(f"nbgrader cannot release {lesson!r}: {cause(words, error)}") from error
