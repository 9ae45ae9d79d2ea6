"""A small cluster of dask.distributed on this machine: a scheduler and workers, each a process of its own."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _dask(*arguments):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "dask", *map(str, arguments)], env=env, **QUIET)


@contextmanager
def running_scheduler(folder):
    """Yield a scheduler's process and its address."""
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    process = _dask("scheduler", *options)
    try:
        while not file.exists():
            assert process.poll() is None, "the scheduler ended"
            time.sleep(0.1)
        yield process, json.loads(file.read_text())["address"]
    finally:
        process.kill()
        process.wait()


@contextmanager
def running_workers(address, folder, count=2):
    """Yield the processes of workers, one submission at a time each, when they are all there."""
    from distributed import Client

    options = ["--nthreads", 1, "--no-nanny", "--no-dashboard", "--memory-limit", 0, "--host", "127.0.0.1"]
    processes = [_dask("worker", address, *options, "--local-directory", folder) for _ in range(count)]
    try:
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
