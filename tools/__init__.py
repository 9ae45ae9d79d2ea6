"""Author's tools: lock, release and check notebooks.  Nothing here is imported by a student."""
