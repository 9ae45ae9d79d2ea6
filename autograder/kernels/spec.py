"""The kernelspec `pruning-warm`: the name by which nbgrader and JupyterLab ask for sealed, warm kernels.

python -m autograder.kernels.spec   # in a course folder; or `autograder doctor --install`
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.kernelspec import KernelSpecManager

NAME = "pruning-warm"


def kernelspec(limits: dict) -> dict:
    """Return the kernelspec; `limits` are the fields of Limits that differ from the defaults."""
    provisioner = {"provisioner_name": NAME, "config": {"limits": limits}}
    return {
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (warm, sealed)",
        "language": "python",
        "metadata": {"debugger": False, "kernel_provisioner": provisioner},
    }


def install(limits: dict, prefix: str = sys.prefix) -> str:
    """Write the kernelspec into an environment; return its folder."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "kernel.json").write_text(json.dumps(kernelspec(limits), indent=1), "utf-8")
        return KernelSpecManager().install_kernel_spec(folder, NAME, prefix=prefix)


if __name__ == "__main__":
    from autograder.commands import course_limits

    install(course_limits("."))
