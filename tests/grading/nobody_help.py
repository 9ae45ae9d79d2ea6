"""Become an ordinary user, for tests that run as root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def as_nobody(folder):
    """Return the command's beginning that makes an ordinary user of us, who may execute this Python."""
    closed = next((p for p in Path(sys.base_prefix).parents if not p.stat().st_mode & 0o001), None)
    opened = ""
    if closed:  # a private Python in root's home: show its folder, and nothing beside it
        prefix = sys.base_prefix
        opened = f"mkdir -p {folder}/p && mount --bind {prefix} {folder}/p && mount -t tmpfs -o mode=755 x "
        opened += f"{closed} && mkdir -p {prefix} && mount --bind {folder}/p {prefix} && "
    become = 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"'
    return ["unshare", "--mount", "sh", "-c", opened + become, "sh"]


def can_become_nobody():
    tools = all(map(shutil.which, ("unshare", "setpriv", "mount")))
    return os.getuid() == 0 and tools and not subprocess.call(["unshare", "--mount", "true"])
