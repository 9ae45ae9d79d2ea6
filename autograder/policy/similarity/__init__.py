"""Which submissions look alike, but for names, comments, spaces, the template and the model answer."""
