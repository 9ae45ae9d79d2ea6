"""What grading keeps: one JSON result a submission, and nbgrader's own gradebook."""
