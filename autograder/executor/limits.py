"""How much a submission may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds a cell and in all, bytes of output a cell, seconds to obey an interrupt."""

    cell: float = 60
    total: float = 300
    output: int = 1_000_000
    grace: float = 10


DEFAULT = Limits()
