"""Judge numbered cases in watched child processes: what runs code, crashes, hangs or takes memory.

A child is forked from a warm parent. An audit hook fails on whatever reading and predicting don't
need. The kernel ends a child after 10 s of processor time in one case, and refuses it more than
1 GB beyond what it held at its start.
"""

from __future__ import annotations

import codecs
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SECONDS = 10.0  # of processor time, for one case
WALL_SECONDS = 90.0  # after which a case waits for something that never comes
MEMORY = 2**30
MEMORY_TAKEN = "MEMORY taken"

# What the interpreter and NumPy do all the time; anything else is forbidden.
ALLOWED = frozenset(
    (
        "array.__new__",
        "builtins.id",
        "cpython._PySys_ClearAuditHooks",
        "gc.get_objects",
        "object.__delattr__",
        "object.__getattr__",
        "object.__setattr__",
        "re.compile",
        "sys._getframe",
        "sys.unraisablehook",
        "sys.settrace",
        "sys.setprofile",
        "os.truncate",  # of a file in memory
        "time.sleep",
    )
)
ENCODINGS = str(Path(codecs.__file__).with_name("encodings"))  # a file's form may name any
READ_ONLY = (
    ENCODINGS,
    "/proc/self/",
    "/sys/fs/cgroup",
    "/etc/localtime",
    "/usr/share/zoneinfo",
)


class Forbidden(BaseException):
    """Something that reading a file and predicting don't need."""


@dataclass
class Guard:
    """What was forbidden; kept, since somebody may catch the exception."""

    seen: list[str]

    def install(
        self, modules: Sequence[str], events: Sequence[str], folders: Sequence[str]
    ) -> None:
        """Install the audit hook, which nothing can remove.

        Parameters
        ----------
        modules : sequence of str
            Packages of which modules may be imported.
        events : sequence of str
            Further events that are allowed.
        folders : sequence of str
            Folders whose files may be read.
        """
        allowed = ALLOWED | set(events)
        packages = set(modules)
        # An unknown name is looked up among the entry points of all installed packages.
        installed = {str(each.locate_file("")) for each in metadata.distributions()}
        zips = {path for path in sys.path if path.endswith((".zip", ".__path_hook__"))}
        readable = (*READ_ONLY, *installed, *zips, *folders)

        def hook(event: str, args: tuple[Any, ...]) -> None:
            if event in allowed:
                return
            if event == "import" and args[0].partition(".")[0] in packages:
                return
            if event == "os.listdir" and args[0] in sys.path:  # for modules
                return
            if event == "open" and isinstance(args[0], (str, bytes)):
                path, mode = os.fsdecode(args[0]), str(args[1] or "r")
                if not set(mode) & set("wax+") and path.startswith(readable):
                    return
            self.seen.append(f"{event} {args!r:.150}")
            raise Forbidden(self.seen[-1])

        sys.addaudithook(hook)


@dataclass(frozen=True)
class Verdict:
    """What a case came to.

    Parameters
    ----------
    number : int
    outcome : str
        In capitals if it must never happen.
    detail : str
    about : dict
        Labels by what they are about, as the judge gives them.
    seconds : float
    """

    number: int
    outcome: str
    detail: str = ""
    about: Any = None
    seconds: float = 0.0

    @property
    def is_finding(self) -> bool:
        """Whether it must never happen."""
        return self.outcome.partition(" ")[0].isupper()


Judge = Callable[[int], tuple[str, str, Any]]


def judge_cases(judge: Judge, numbers: Sequence[int], guard: Guard) -> Iterator[Verdict]:
    """Yield the verdict on each case, from one child after another."""
    waiting = list(numbers)
    while waiting:
        for verdict in _one_child(judge, waiting, guard):
            yield verdict
            waiting = waiting[1:]


def _one_child(judge: Judge, numbers: Sequence[int], guard: Guard) -> Iterator[Verdict]:
    """Yield verdicts until the child has ended, of which the last may be on what ended it."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, judge, numbers, guard), daemon=True)
    process.start()
    theirs.close()
    done = 0
    try:
        while done < len(numbers):
            if not ours.poll(WALL_SECONDS):
                process.kill()
                process.join()
                yield Verdict(numbers[done], "HANG", f"no answer within {WALL_SECONDS:.0f} s")
                return
            verdict: Verdict = ours.recv()
            yield verdict
            done += 1
            if verdict.outcome == MEMORY_TAKEN:
                return
    except EOFError:
        process.join()
        yield _ending(numbers[done], process.exitcode or 0)
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def _ending(number: int, exit_code: int) -> Verdict:
    if exit_code == -signal.SIGPROF:
        return Verdict(number, "HANG", f"over {SECONDS:.0f} s of processor time")
    return Verdict(number, "CRASH", f"exit code {exit_code}")


def _child(line: Connection, judge: Judge, numbers: Sequence[int], guard: Guard) -> None:
    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY, held + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    before = _largest_size()
    for number in numbers:
        start = time.perf_counter()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome, detail, about = _judged(judge, number)
        signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.perf_counter() - start
        if guard.seen:
            outcome, detail = "CODE", guard.seen[0]
            guard.seen.clear()
        if _largest_size() - before > MEMORY:
            outcome, detail = MEMORY_TAKEN, f"{(_largest_size() - before) >> 20} MB more"
        line.send(Verdict(number, outcome, detail, about, round(seconds, 4)))
        if outcome == MEMORY_TAKEN:
            break  # the next case gets a new child
    line.close()
    os._exit(0)


def _judged(judge: Judge, number: int) -> tuple[str, str, Any]:
    try:
        return judge(number)
    except Forbidden as error:
        return "CODE", str(error), None
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return "ERROR", f"{type(error).__name__}: {error}"[:300], None


def _largest_size() -> int:
    """Return the most bytes that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
