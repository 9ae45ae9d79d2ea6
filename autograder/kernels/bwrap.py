"""bubblewrap, the small sandbox of Linux desktops: for machines where a process may not seal itself."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial

from jupyter_client.provisioning import LocalProvisioner

from autograder.kernels import linux, seccomp
from autograder.kernels.provisioner import WarmProvisioner
from autograder.kernels.seal import limit_child

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
SYSTEM += (
    "/etc/localtime",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/ssl/certs",
    "/etc/fonts",
)
FIRST = 2  # the number of the first process inside; 1 is bubblewrap itself
TEMPORARY = 500_000_000  # bytes: what lies in /tmp takes memory that no limit counts


def possible() -> str | None:
    """Return why bubblewrap cannot be used, or None."""
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    done = subprocess.run(["bwrap", *FENCE, "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"bubblewrap does not work ({done.stderr.strip()})"


# --disable-userns: nobody inside becomes root of a namespace of their own and mounts things.
FENCE = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
FENCE += ["--cap-drop", "ALL"]


def system_calls() -> int | None:
    """Return a file that holds the filter of system calls, or None where there can be none."""
    if linux.MACHINE not in seccomp.AUDIT_ARCH or not seccomp.available():
        return None
    file = os.memfd_create("filter", 0)  # to be inherited
    os.write(file, bytes(seccomp.compiled(seccomp.program_inside(FIRST))))
    os.lseek(file, 0, os.SEEK_SET)
    return file


def command(request: dict, kernel: list[str], filtered: Sequence[str] = ()) -> list[str]:
    """Return the command that runs `kernel` in a sandbox as a room's request describes it.

    `filtered` are bubblewrap's options for the filter of system calls. The environment is cleared:
    bubblewrap's own can be read from inside.
    """
    read = [*SYSTEM, *request["seal"]["read"]]
    line = ["bwrap", *FENCE, *filtered, "--proc", "/proc", "--dev", "/dev"]
    line += ["--size", str(TEMPORARY), "--tmpfs", "/tmp"]
    for path in filter(os.path.exists, read):
        line += ["--ro-bind", path, path]
    for path in request["seal"]["write"]:
        line += ["--bind", path, path]
    line += ["--chdir", request["cwd"], "--clearenv"]
    for name, value in request["env"].items():
        line += ["--setenv", name, value]
    return [*line, "--", *kernel]


class BubbleProvisioner(WarmProvisioner):
    """Cold kernels, each in a sandbox of its own."""

    def obstacle(self) -> str | None:
        """Return why bubblewrap cannot be used, or None."""
        return possible()

    async def launch_sealed(self, cmd: list[str], **kwargs) -> dict:
        """Start the kernel inside bubblewrap."""
        self.kernel_spec.interrupt_mode = "message"  # a signal would end bubblewrap instead
        request = self.request([], kwargs)
        limits, calls = partial(limit_child, request["seal"]["limits"]), system_calls()
        passed, options = ((calls,), ["--seccomp", str(calls)]) if calls is not None else ((), [])
        line = command(request, cmd, options)
        try:
            return await LocalProvisioner.launch_kernel(
                self, line, preexec_fn=limits, pass_fds=passed, **kwargs
            )
        finally:
            for file in passed:
                os.close(file)

    async def poll(self) -> int | None:
        """Return the kernel's exit code; bubblewrap says 128 + n for a signal n."""
        code = await super().poll()
        return 128 - code if code and code > 128 else code
