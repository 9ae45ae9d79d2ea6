"""How much a submission may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one submission may use; seconds and bytes unless something else is said.

    `cell` and `total` are seconds by the clock, `cpu` of the processor (by each process), `grace` to obey an
    interrupt. `output` is bytes a cell prints, `memory` what all its processes take above a fresh kernel,
    `file` the largest file, `disk` all files, `processes` how many at once. The code may read the files and
    folders `readable` and the Python packages `packages` outside the environment, and see the variables
    `environment`; `~` and `$VARIABLE` in `readable` are those of whoever grades.
    """

    cell: float = 60.0
    total: float = 300.0
    output: int = 1_000_000
    grace: float = 10.0
    cpu: float = 600.0
    memory: int = 3_000_000_000
    file: int = 200_000_000
    disk: int = 1_000_000_000
    processes: int = 64
    readable: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


DEFAULT = Limits()
