"""The owner's side of a zygote: start it, ask it for kernels, hear how they ended."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

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


class Kernel:
    """A forked kernel, used like a `subprocess.Popen`.

    `returncode` is as subprocess says it; `why` names the limit for which its keeper killed it, or is None.
    `pid` is its keeper's number.
    """

    stdin = stdout = stderr = None

    def __init__(self, channel: socket.socket):
        self._channel = channel
        self.pid = self.returncode = self.why = None
        self._over = False

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        while self.returncode is None and self._read(0):
            pass
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if end is None else end - time.monotonic()
            if (left is not None and left < 0) or not self._read(left):
                raise subprocess.TimeoutExpired("kernel", timeout)
        return self.returncode

    def gone(self, timeout: float) -> bool:
        """Wait until nobody of its processes is left; say whether that is so."""
        end = time.monotonic() + timeout
        while not self._over and self._read(max(0, end - time.monotonic())):
            pass
        return self._over

    def born(self, timeout: float) -> bool:
        """Wait until it has a keeper; False when it has none and never will."""
        while self.pid is None and not self._over and self._read(timeout):
            pass
        return self.pid is not None

    def send_signal(self, number: int) -> None:
        """Signal its process group."""
        if self.poll() is None:
            with suppress(OSError):
                self._channel.send(json.dumps({"signal": int(number)}).encode())

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout: float | None) -> bool:
        """Take in one message; say whether there was one, or the end."""
        if self._over:
            return False
        poller = select.poll()
        poller.register(self._channel, select.POLLIN)
        if not poller.poll(None if timeout is None else timeout * 1000):
            return False
        try:
            message = self._channel.recv(1024)
        except OSError:
            message = b""
        self._take(json.loads(message) if message else None)
        return True

    def _take(self, message: dict | None) -> None:
        if message is None:
            self._over = True
            self._channel.close()
            if self.returncode is None:
                self.returncode, self.why = -signal.SIGKILL, "lost"
        elif "keeper" in message:
            self.pid = message["keeper"]
        else:
            self.why, self.returncode = message["why"], message["exit"]


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
