"""Grade the lessons: find submissions, repair them, run them, keep scores, explain them."""
