"""Where a submission's code runs: each file offers `run(notebook, folder, limits) -> Result`."""
