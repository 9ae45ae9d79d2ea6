"""What a course decides about scores: deadlines, attempts, and which submissions to look at side by side."""
