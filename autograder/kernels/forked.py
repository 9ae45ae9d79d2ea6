"""A kernel that a zygote has forked, as its owner sees it: signal it, wait for it, hear how it ended."""

import json
import select
import signal
import socket
import subprocess
import time
from contextlib import suppress


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
