"""What nbgrader says while it converts: kept from the screen, and its errors for our sentences."""

import logging

from tornado.log import app_log

app_log.propagate = False  # nbgrader's gradebook prints a traceback there, and then raises the same error
app_log.addHandler(logging.NullHandler())


def listener() -> tuple[logging.Logger, list[str]]:
    """Return a silent logger, and the list of the last lines of all errors logged to it."""
    words: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda entry: words.append(entry.getMessage().strip().splitlines()[-1])
    log = logging.Logger("autograder.nbgrader")  # not in the tree of loggers, so nothing is printed
    log.addHandler(handler)
    return log, words


def cause(words: list[str], error: Exception) -> str:
    """Return the exception that nbgrader logged before it raised its general one."""
    return next((line for line in words if "Error" in line), str(error))
