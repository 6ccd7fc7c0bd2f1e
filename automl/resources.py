"""What one piece of work may use of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Resources:
    """What one piece of work may use of a machine.

    Parameters
    ----------
    threads : int
        Threads of one fit.
    memory : int or None
        Bytes; None for no limit of its own.
    device : {"cpu", "cuda"}
        Where it trains.
    """

    threads: int = 1
    memory: int | None = None
    device: Device = "cpu"
