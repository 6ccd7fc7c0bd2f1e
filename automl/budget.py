"""One wall-clock deadline: the time left, whether work still fits, and the shares of stages."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from automl.errors import InputError

Clock = Callable[[], float]

MAX_SLOWDOWN = 12.0
MAX_CROWDING = 4.0
MIN_PROCESSOR_SECONDS = 0.05  # that a process must have had before its slowdown is measured
ENDING_SECONDS = 0.8  # to write the outcome and end the process, on a quiet machine
MIN_KEPT_SECONDS = 5.0  # of a budget; a shorter one may be overrun
FREE_MEMORY_SHARE = 0.8  # that a run may take
MIN_MEMORY_BYTES = 10**8
SECONDS_A_DAY = 86400.0
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")

_SECONDS_BY_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": SECONDS_A_DAY}
_BYTES_BY_UNIT = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(frozen=True)
class Budget:
    """The time, trials and memory that a run may still use.

    Parameters
    ----------
    deadline : float
        The clock's reading, in seconds, at which everything must be over; `inf` for a budget of
        trials.
    clock : callable
        Returns the time in seconds; `time.monotonic`, or a fake clock in tests.
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
        """Return the seconds left, never negative."""
        return max(0.0, self.deadline - self.clock())

    def affords(self, seconds: float) -> bool:
        """Return whether something that takes this long would still end in time."""
        return seconds <= self.remaining()

    @property
    def is_timed(self) -> bool:
        """Whether a clock ends this budget."""
        return math.isfinite(self.deadline)

    def divide(self, shares: Sequence[float]) -> Iterator[Budget]:
        """Yield a budget for each share, computed when it is requested.

        Time that one part leaves rolls over to the next ones.
        """
        for index, share in enumerate(shares):
            shares_left = sum(shares[index:])
            if self.is_timed and shares_left > 0:
                seconds = self.remaining() * share / shares_left
                yield self.within(seconds)
            else:
                yield self

    def within(self, seconds: float) -> Budget:
        """Return this budget, ending at most `seconds` from now."""
        end = self.clock() + seconds
        deadline = min(self.deadline, end)
        return replace(self, deadline=deadline)

    def reserve(self, seconds: float) -> Budget:
        """Return this budget without its last `seconds`."""
        deadline = self.deadline - seconds
        return replace(self, deadline=deadline)


def process_start_time() -> float:
    """Return when the operating system started this process, as a reading of `time.monotonic`.

    On Linux it is exact to a hundredth of a second.
    """
    age = max(0.0, _process_age())
    return time.monotonic() - age


def _process_age() -> float:
    """Return the seconds since this process began.

    psutil counts from the boot's wall-clock time, which Linux reports in whole seconds: by that,
    a run of 20 s seemed 0.7 s older than it was.
    """
    try:
        statistics = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
        # The second field, the program's name, is in brackets and may hold blanks.
        fields = statistics.rpartition(")")[2].split()
        ticks = int(fields[19])
        started = ticks / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):  # not Linux
        import psutil

        process = psutil.Process(os.getpid())
        return time.time() - process.create_time()


def parse_duration(text: str, name: str = "--budget") -> float:
    """Return the seconds of a duration such as `90`, `90s`, `10m`, `1h30m`.

    Parameters
    ----------
    text : str
    name : str
        Name of the setting, for messages.

    Raises
    ------
    InputError
        The text is not a duration, or not between 0 seconds and a year.

    Examples
    --------
    >>> parse_duration("1h30m"), parse_duration("45")
    (5400.0, 45.0)
    """
    normal = re.sub(r"\s", "", text.lower())
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    understood = "".join(number + unit for number, unit in parts)
    if not parts or understood != normal:
        raise InputError(f"{name}: {text!r} is not a duration. Write it as 90s, 10m or 1h30m.")
    seconds = 0.0
    for number, unit in parts:
        seconds += float(number) * _SECONDS_BY_UNIT[unit or "s"]
    if not 0 < seconds < 365 * SECONDS_A_DAY:
        raise InputError(
            f"{name}: {text!r} is not a usable duration. "
            "Give more than 0 seconds and less than a year."
        )
    return seconds


def short_budget_warning(seconds: float | None, name: str = "--budget") -> str:
    """Return a warning about a budget so short that it may be overrun; empty for any other."""
    if seconds is None or seconds >= MIN_KEPT_SECONDS:
        return ""
    return (
        f"{name}: {seconds:g} s may be too short for any model, and a busy machine may overrun it; "
        f"{MIN_KEPT_SECONDS:g} s and more are kept."
    )


def parse_memory(text: str, name: str = "--memory") -> int:
    """Return the bytes of a size such as `8GB`, `500MB`.

    Raises
    ------
    InputError
        The text is not a size, or less than 100 MB.

    Examples
    --------
    >>> parse_memory("8GB")
    8000000000
    """
    size = 0
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", text.lower())
    if match:
        size = int(float(match[1]) * _BYTES_BY_UNIT[match[2]])
    if size < MIN_MEMORY_BYTES:
        raise InputError(
            f"{name}: {text!r} is not a usable size. Write it as 8GB or 500MB; the least is 100MB."
        )
    return size


def free_memory() -> int:
    """Return the bytes that a run may take by default.

    It is 80% of the memory that is free, in the machine and in the cgroup.
    """
    import psutil

    machine = psutil.virtual_memory().available
    free = min([machine, *_cgroup_memory()])
    return int(FREE_MEMORY_SHARE * free)


def _cgroup_memory(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> list[int]:
    """Return the bytes that each cgroup around this process still allows."""
    try:
        lines = own.read_text(encoding="ascii").splitlines()
        path = lines[-1].partition("::")[2].strip("/")
    except (OSError, IndexError):
        return []
    folder = root / path
    allowed = []
    for cgroup in (folder, *folder.parents):
        if cgroup.is_relative_to(root):
            free = _free_in_cgroup(cgroup)
            if free is not None:
                allowed.append(free)
    return allowed


def _free_in_cgroup(folder: Path) -> int | None:
    """Return the bytes that one cgroup still allows; None if it has no limit.

    Its file cache, which it could give back, counts as free.
    """
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        statistics = (folder / "memory.stat").read_text(encoding="ascii")
        by_name = dict(line.split() for line in statistics.splitlines())
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    cache = int(by_name.get("inactive_file", 0))
    return max(0, int(limit) - used + cache)


@dataclass(frozen=True)
class Stopwatch:
    """Measures how much slower this process runs than on a free machine.

    It compares the time that passed with the processor time that the process got while it had
    work to do. Counting the tasks that want the cores is not enough: the kernel shares the cores
    among sessions first, and then among a session's processes.

    Parameters
    ----------
    wall, processor : float
        Readings of `time.monotonic` and `time.process_time` at the start, in seconds.
    """

    wall: float
    processor: float

    @classmethod
    def started(cls) -> Stopwatch:
        """Return a stopwatch that starts now."""
        return cls(time.monotonic(), time.process_time())

    def slowdown(self) -> float:
        """Return seconds passed over seconds of processor time, from 1 to 12.

        It is 1 as long as there was too little processor time to judge by.
        """
        processor = time.process_time() - self.processor
        if processor < MIN_PROCESSOR_SECONDS:
            return 1.0
        wall = time.monotonic() - self.wall
        slowdown = max(1.0, wall / processor)
        return min(MAX_SLOWDOWN, slowdown)


def measure_crowding() -> float:
    """Return how much slower a process runs than on a free machine, from 1 to 4.

    It is the number of other processes' tasks that want to run, and this one, over the cores.
    The tasks of this process and its children are not counted: they will have ended by then.
    """
    import psutil

    try:
        children = psutil.Process().children(recursive=True)
        own = [os.getpid(), *(child.pid for child in children)]
        others = min(_count_others(own) for _ in range(3))
    except (OSError, ValueError, IndexError, psutil.Error):
        return 1.0
    cores = os.cpu_count() or 1
    factor = max(1.0, (1 + others) / cores)
    return min(MAX_CROWDING, factor)


def reserve_ending(budget: Budget) -> Budget:
    """Return a budget without the time to write the outcome and end the process.

    That time is scaled by how crowded the machine is now.
    """
    seconds = ENDING_SECONDS * measure_crowding()
    return budget.reserve(seconds)


def _count_others(own: Sequence[int]) -> int:
    """Return the tasks of the machine that run or want to, without those of own processes."""
    n_all = _count_running()
    n_own = sum(map(_count_running_of, own))
    return n_all - n_own


def _count_running() -> int:
    """Return the tasks of the whole machine that run or want to."""
    text = Path("/proc/stat").read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("procs_running"):
            return int(line.split()[1])
    raise ValueError("/proc/stat: no line procs_running")


def _count_running_of(pid: int) -> int:
    """Return the tasks of a process that run or want to; 0 if it has ended."""
    running = 0
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            text = task.read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        state = text.rpartition(") ")[2]
        if state.startswith("R"):
            running += 1
    return running


def usable_cores() -> int:
    """Return how many cores this process may use: its affinity, bounded by the cgroup's quota."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    try:
        text = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii")
        quota, period = text.split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    allowed = round(int(quota) / int(period))
    return max(1, min(cores, allowed))
