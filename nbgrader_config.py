"""nbgrader for this course: where the notebooks are and what a student sees in place of a solution."""

c = get_config()  # noqa: F821 - given by traitlets when it loads this file

c.CourseDirectory.course_id = "pruning"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "lessons"

# `...` and not `raise NotImplementedError()`: "Run All" then reaches the end of a fresh lesson,
# and the check below the exercise says what is missing.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\n..."}
c.ClearSolutions.text_stub = "*Write your answer here.*"

# The slowest cell of a lesson takes about 20 s on two cores; a busy machine may need longer.
c.ExecutePreprocessor.timeout = 120
c.Execute.shutdown_kernel = "immediate"

# A lesson takes up to a minute and a half on two idle cores; a class shares them, and time is by the clock.
# The rest is what students' code may read besides Python, its packages and its own folder.
c.Autograder.limits = {
    "cell": 120,
    "total": 900,
    "packages": ["course_lib"],
    "readable": ["~/.cache/pruning-course", "$PRUNING_COURSE_CACHE"],
    "environment": ["PRUNING_COURSE_CACHE"],
}

# For Validate and stock `nbgrader autograde`: sealed kernels that start in half a second.
c.ExecutePreprocessor.kernel_name = "pruning-warm"
