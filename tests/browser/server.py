"""A real `jupyter lab` for tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TOKEN = "browser-tests"
QUIET = {  # no news popup, no question to the network
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


class JupyterServer:
    """`jupyter lab` on a free port; its root, configuration and data lie under `home`.

    Extensions and the kernelspec still come from the environment (`sys.prefix`), as they do for a student.
    """

    def __init__(self, home: Path) -> None:
        self.root = home / "root"
        self.root.mkdir()
        self._home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self, timeout: float = 90) -> None:
        """Start and wait until it answers; raise RuntimeError with the log's end when it does not."""
        self._write_settings()
        self._log = (self._home / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *self._options()],
            cwd=self.root,  # where nbgrader's Validate looks for nbgrader_config.py
            env=self._environment(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"jupyter lab did not start:\n{self.log()[-3000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server and the kernels it started."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def request(self, method: str, path: str) -> object:
        """Call the server's REST API, e.g. `request("GET", "api/kernels")`."""
        query = urllib.request.Request(f"{self.url}/{path}", method=method)
        query.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(query, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def log(self) -> str:
        """Return what the server has printed."""
        return (self._home / "server.log").read_text("utf-8", "replace")

    def _options(self) -> list[str]:
        options = {
            "ServerApp.port": self._port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.root,
            "IdentityProvider.token": TOKEN,
            "LabApp.expose_app_in_browser": True,
            "JupyterNotebookApp.expose_app_in_browser": True,
        }
        root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        return ["--no-browser", *root, *(f"--{name}={value}" for name, value in options.items())]

    def _environment(self) -> dict[str, str]:
        folders = {name: self._home / name.lower() for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
        folders |= {name: self._home / name.lower() for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
        # The course itself is imported by kernels from the working tree, installed or not.
        tree = Path(__file__).parents[2]
        paths = os.pathsep.join(filter(None, [str(tree), os.environ.get("PYTHONPATH")]))
        return os.environ | {name: str(path) for name, path in folders.items()} | {"PYTHONPATH": paths}

    def _write_settings(self) -> None:
        for name, settings in QUIET.items():
            path = self._home / "jupyter_config_dir/lab/user-settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(settings))

    def _answers(self) -> bool:
        try:
            self.request("GET", "api/status")
        except (urllib.error.URLError, OSError):
            return False
        return True
