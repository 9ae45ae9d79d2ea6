"""What every spy begins with, see `nasty_spies`."""

from nasty_course import FULL, RIGHT, SHARE, Case, code

# The marks are put together here, so that the source of a spy does not hold them.
TOOLS = """
import gc, glob, inspect, json, os, sys, time, traceback
BACKWARDS = ["rabiz" "naz", "tab" "mow"]  # what is sought must not itself be found
done = []
seen = []
def look(*things):
    for thing in things:
        text = str(thing)
        seen.append(text)
        print(text[:2000])
        if any(needle[::-1] in text for needle in BACKWARDS):
            print("LE" "AKED")
    print("LOOKED")
"""
ONE = "    return float((array == 0).mean())"


def spy(before: str = "", after: str = "", share: str = SHARE, says: str = "LOOKED", **options) -> Case:
    """A right submission that looks around before, in its `share`, or at the end."""
    return Case(code(RIGHT | {"share": share}, TOOLS + before, after, **options), FULL, says=says)


def in_share(body: str, after: str = "print(seen)") -> Case:
    lines = "\n    ".join(body.strip().splitlines())
    return spy(share=f"def share(array):\n    {lines}\n{ONE}", after=after)
