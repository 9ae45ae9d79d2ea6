"""Tests outside the student's process: a checker runs them, and only data crosses."""
