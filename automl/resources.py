"""Resources: threads, memory and device of one work item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Resources:
    """Threads, memory and device of one work item.

    Parameters
    ----------
    threads : int
        Threads of one fit.
    memory : int or None
        Bytes, for engines that can limit a single item; the local engine limits the whole run.
        None for no limit.
    device : {"cpu", "cuda"}
        Where it trains.
    """

    threads: int = 1
    memory: int | None = None
    device: Device = "cpu"


SINGLE_THREAD = Resources()
