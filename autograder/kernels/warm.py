"""The owner's side of a zygote: start it, and ask it for kernels."""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryFile

from autograder.kernels.forked import Kernel

HERE = str(Path(__file__).parents[2])
START = 120  # seconds a zygote may take to import everything on a slow disk
CODE = "import sys; sys.path.append({here!r}); from autograder.kernels.zygote import main; main({fd}, {warm})"
# One thread while importing; the rest tells the libraries what a lesson's own first lines would.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
KEPT = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHASHSEED")


class NoZygote(Exception):
    """Why no kernel can be forked."""


class Zygote:
    """A running zygote; `plan` says which namespaces its kernels get.

    Raises NoZygote with its last words when it cannot be had.
    """

    def __init__(self, warm: bool = True):
        self.owner, self.warm = os.getpid(), warm
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        code = CODE.format(here=HERE, fd=theirs.fileno(), warm=warm)
        with TemporaryFile() as words, theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                cwd="/",
                env=_environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the owner
            )
            theirs.close()
            self.plan = self._greeting(words)

    def _greeting(self, words) -> str:
        self._channel.settimeout(START)
        try:
            report = json.loads(self._channel.recv(4096) or b"{}")
        except OSError as error:
            report = {"error": str(error)}
        self._channel.settimeout(None)
        if "ready" in report:
            return report["plan"]
        self.close()
        words.seek(0)
        said = words.read().decode(errors="replace").strip().splitlines() or ["nothing"]
        raise NoZygote(report.get("error") or f"it ended at its imports; its last line was: {said[-1]}")

    def fork(self, request: dict, out: int, err: int) -> Kernel:
        """Return a new kernel with these files as its stdout and stderr; raises NoZygote when it has died."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kernel = Kernel(ours)
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode()], [theirs.fileno(), out, err])
        except OSError as error:
            ours.close()
            raise NoZygote(f"it has died ({error})") from error
        finally:
            theirs.close()
        if not kernel.born(START):
            raise NoZygote("it could not fork")
        return kernel

    def close(self) -> None:
        """Let it go, its kernels with it."""
        if os.getpid() != self.owner:
            return
        self._channel.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in os.environ if name in KEPT or name.startswith("LC_")}
    return kept | ENVIRONMENT


_lock = threading.Lock()
_current: list[Zygote] = []
notices: list[str] = []


def fork(request: dict, out: int, err: int) -> Kernel:
    """Fork a kernel from this process's zygote, which is started, or started anew, when there is none.

    Raises NoZygote.
    """
    with _lock:
        for _ in range(2):
            zygote = _zygote()
            try:
                return zygote.fork(request, out, err)
            except NoZygote as error:
                close(zygote)
                reason = error
        raise reason


def current() -> Zygote:
    """Return this process's zygote, started if need be; raises NoZygote."""
    with _lock:
        return _zygote()


def close(*zygotes: Zygote) -> None:
    """Let zygotes go: these, or this process's."""
    for zygote in zygotes or tuple(_current):
        zygote.close()
    _current.clear()


def _zygote() -> Zygote:
    if not _current or _current[0].owner != os.getpid():
        _current[:] = [_start()]
        atexit.register(close)
    return _current[0]


def _start() -> Zygote:
    try:
        return Zygote()
    except NoZygote as error:
        notices.append(f"Kernels start cold, which takes some seconds each: the warm process says {error}.")
        return Zygote(warm=False)
