"""One wall-clock deadline: how long is left, what still fits, and how stages share it."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from automl.errors import InputError

Clock = Callable[[], float]

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
TELLING_SECONDS = 0.05  # of processor time that tell how a process gets on
MOST_SLOWDOWN = 12.0
ENDING_SECONDS = 0.8  # that writing the outcome and ending the process take on a quiet machine
PROMISED = 5.0  # seconds of a budget from which on it is never overrun
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(frozen=True)
class Budget:
    """What a run may still use.

    Parameters
    ----------
    deadline : float
        The clock's reading, in seconds, at which everything has to be over; `inf` for a budget of trials.
    clock : callable
        Gives the time in seconds; `time.monotonic` in earnest, a hand-turned one in tests.
    trials : int or None
        The number of candidates, the constant baseline included, for a budget without a clock.
    memory : int or None
        Bytes that all processes of the run together may hold.

    Examples
    --------
    >>> budget = Budget(deadline=10.0, clock=lambda: 4.0)
    >>> budget.remaining(), budget.affords(7)
    (6.0, False)
    >>> [round(part.remaining(), 6) for part in budget.divide([1, 2])]  # nothing is used up here
    [2.0, 6.0]
    """

    deadline: float = math.inf
    clock: Clock = time.monotonic
    trials: int | None = None
    memory: int | None = None

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.deadline - self.clock())

    def affords(self, seconds: float) -> bool:
        """Whether something that takes this long would still end in time."""
        return seconds <= self.remaining()

    @property
    def timed(self) -> bool:
        """Whether a clock ends this budget."""
        return math.isfinite(self.deadline)

    def divide(self, shares: Sequence[float]) -> Iterator[Budget]:
        """A budget for each share, cut when it is asked for: what one leaves rolls on to the next."""
        for place, share in enumerate(shares):
            rest = sum(shares[place:])
            if not self.timed or rest <= 0:
                yield self
            else:
                yield self.within(self.remaining() * share / rest)

    def within(self, seconds: float) -> Budget:
        """This budget, ending at most `seconds` from now."""
        return replace(self, deadline=min(self.deadline, self.clock() + seconds))

    def keeping(self, seconds: float) -> Budget:
        """This budget with its last `seconds` kept back."""
        return replace(self, deadline=self.deadline - seconds)


def process_started() -> float:
    """When the operating system started this process, as a reading of `time.monotonic`, to a hundredth of a second on Linux."""
    return time.monotonic() - max(0.0, _age())


def _age() -> float:
    """Seconds since this process began.

    psutil counts from the boot's wall-clock time, which Linux tells in whole seconds: a run of 20 s thought itself 0.7 s older.
    """
    try:
        fields = (
            Path("/proc/self/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()
        )
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):  # no Linux
        return time.time() - psutil.Process(os.getpid()).create_time()


def parse_duration(text: str, name: str = "--budget") -> float:
    """Seconds of a duration such as `90`, `90s`, `10m`, `1h30m`; `name` is what the user calls it.

    >>> parse_duration("1h30m"), parse_duration("45")
    (5400.0, 45.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    plain = re.sub(r"\s", "", text.lower())
    if not parts or "".join(number + unit for number, unit in parts) != plain:
        raise InputError(f"{name}: {text!r} is not a duration. Write it as 90s, 10m or 1h30m.")
    seconds = sum(float(number) * _SECONDS[unit or "s"] for number, unit in parts)
    if not 0 < seconds < 365 * 86400:
        raise InputError(
            f"{name}: {text!r} is not a usable duration. Give more than 0 seconds and less than a year."
        )
    return seconds


def too_short(seconds: float | None, name: str = "--budget") -> str:
    """What is told of a budget that can't be promised; nothing of others."""
    if seconds is None or seconds >= PROMISED:
        return ""
    return f"{name}: {seconds:g} s may be too short for any model, and a busy machine may overrun it; {PROMISED:g} s and more are kept."


def parse_memory(text: str, name: str = "--memory") -> int:
    """Bytes of a size such as `8GB`, `500MB`.

    >>> parse_memory("8GB")
    8000000000
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", text.lower())
    size = int(float(match[1]) * _BYTES[match[2]]) if match else 0
    if size < 10**8:
        raise InputError(
            f"{name}: {text!r} is not a usable size. Write it as 8GB or 500MB; the least is 100MB."
        )
    return size


def free_memory() -> int:
    """Bytes that a run may take where nothing else is said: 80% of what is free, in the machine and in the cgroup."""
    return int(0.8 * min([psutil.virtual_memory().available, *_cgroup_memory()]))


def _cgroup_memory(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> list[int]:
    """Bytes that each cgroup around this process still allows; what it could give back (its file cache) counts as free."""
    try:
        path = own.read_text(encoding="ascii").splitlines()[-1].partition("::")[2].strip("/")
    except (OSError, IndexError):
        return []
    folder = root / path
    free = []
    for place in (
        folder,
        *(parent for parent in folder.parents if parent == root or root in parent.parents),
    ):
        try:
            most = (place / "memory.max").read_text(encoding="ascii").strip()
            used = int((place / "memory.current").read_text(encoding="ascii"))
            cache = dict(
                line.split()
                for line in (place / "memory.stat").read_text(encoding="ascii").splitlines()
            )
        except (OSError, ValueError):
            continue
        if most != "max":
            free.append(max(0, int(most) - used + int(cache.get("inactive_file", 0))))
    return free


@dataclass(frozen=True)
class Stopwatch:
    """How much slower this process gets on than on a free machine, by what it was given while it had work to do.

    Counting who wants the cores is not enough: the kernel shares them among sessions first, and then among a session's processes.
    """

    wall: float
    processor: float

    @classmethod
    def started(cls) -> Stopwatch:
        """One that starts now."""
        return cls(time.monotonic(), time.process_time())

    def slowdown(self) -> float:
        """Seconds gone by over seconds of processor time, from 1 to 12; 1 as long as there are too few to tell."""
        processor = time.process_time() - self.processor
        if processor < TELLING_SECONDS:
            return 1.0
        return min(MOST_SLOWDOWN, max(1.0, (time.monotonic() - self.wall) / processor))


def crowding() -> float:
    """How much slower a process gets on than on a free machine: others' tasks that want to run, and this one, over cores, from 1 to 4.

    This process and its children are not in their own way: their work will have ended by then.
    """
    try:
        own = [os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))]
        others = min(_running() - sum(map(_running_tasks, own)) for _ in range(3))
    except (OSError, ValueError, IndexError, psutil.Error):
        return 1.0
    return min(4.0, max(1.0, (1 + others) / (os.cpu_count() or 1)))


def keeping_an_end(budget: Budget) -> Budget:
    """A budget less what writing the outcome and ending the process take on this machine as it is."""
    return budget.keeping(ENDING_SECONDS * crowding())


def _running() -> int:
    """Tasks of the whole machine that run or want to."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("procs_running"))


def _running_tasks(pid: int) -> int:
    """Tasks of a process that run or want to; none if it is gone."""
    running = 0
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            running += (
                task.read_text(encoding="ascii", errors="replace")
                .rpartition(") ")[2]
                .startswith("R")
            )
        except OSError:
            continue
    return running


def usable_cores() -> int:
    """How many cores this process may use: its affinity, bounded by the cgroup's quota."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    )
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, round(int(quota) / int(period))))
