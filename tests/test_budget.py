"""A budget is a deadline: the time left never grows, and time that a stage leaves rolls over."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.budget import (
    Budget,
    _cgroup_memory,
    measure_crowding,
    parse_duration,
    parse_memory,
    process_start_time,
    short_budget_warning,
    usable_cores,
)
from automl.errors import InputError

BUSY_LOOP = "while True: pass"

share_lists = st.lists(st.floats(0.1, 9), min_size=1, max_size=6)
six_durations = st.lists(st.floats(0, 3), min_size=6, max_size=6)


class ManualClock:
    """A clock that only moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def stopped_clock() -> float:
    return 0.0


@given(share_lists, six_durations)
def test_stages_together_never_get_more_than_there_is(
    shares: list[float], used: list[float]
) -> None:
    clock = ManualClock()
    budget = Budget(10.0, clock)
    for part, seconds in zip(budget.divide(shares), used, strict=False):
        assert part.deadline <= budget.deadline + 1e-9
        clock.now += min(seconds, part.remaining())
    assert budget.remaining() >= -1e-9


def test_time_that_a_stage_leaves_rolls_over() -> None:
    clock = ManualClock()
    budget = Budget(10.0, clock)
    parts = budget.divide([1, 1])
    assert next(parts).remaining() == 5
    clock.now = 1.0
    assert next(parts).remaining() == 9


def test_nothing_is_left_after_the_deadline() -> None:
    budget = Budget(-2.0, stopped_clock)
    assert budget.remaining() == 0.0


def test_a_budget_of_trials_has_no_clock() -> None:
    budget = Budget(trials=5)
    assert not budget.is_timed
    assert budget.affords(1e12)
    for part in budget.divide([1, 2]):
        assert part.trials == 5


def test_time_that_is_kept_back_is_not_spent() -> None:
    budget = Budget(10.0, stopped_clock)
    assert budget.reserve(3).remaining() == 7
    assert budget.within(99).remaining() == 10


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (" 2 m ", 120),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "-5", "0", "1h-3m", "1e9d", "nan"])
def test_other_texts_are_refused_as_durations_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="--budget") as caught:
        parse_duration(text)
    message = str(caught.value)
    assert "\n" not in message


def test_a_warning_of_a_short_budget_uses_the_name_that_the_user_knows() -> None:
    assert short_budget_warning(None) == ""
    assert short_budget_warning(5.0) == ""
    warning = short_budget_warning(2.0, "budget")
    assert warning.startswith("budget: 2 s may be too short for any model")
    with pytest.raises(InputError, match=r"^budget: 'soon' is not a duration"):
        parse_duration("soon", "budget")


def test_sizes_are_read() -> None:
    assert parse_memory("8GB") == 8 * 10**9
    assert parse_memory("500 MiB") == 500 * 10**6


@pytest.mark.parametrize("text", ["", "much", "-1GB", "5"])
def test_other_texts_are_refused_as_sizes(text: str) -> None:
    with pytest.raises(InputError, match="--memory"):
        parse_memory(text)


def test_the_process_started_a_while_ago_but_not_long() -> None:
    started = process_start_time()
    age = time.monotonic() - started
    assert math.isfinite(started)
    assert 0 < age < 3600 * 12


def test_the_start_of_a_process_is_known_to_a_tenth_of_a_second() -> None:
    lines = [
        "import time",
        "from automl.budget import process_start_time",
        "time.sleep(0.3)",
        "print(process_start_time())",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    before = time.monotonic()
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    started = float(finished.stdout)
    assert before - 0.02 <= started <= before + 0.1


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1


def test_the_memory_that_a_cgroup_allows_is_respected(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    write_cgroup(tmp_path / "a", limit="1000", used="300")
    write_cgroup(tmp_path / "a/b", limit="max", used="200")
    assert _cgroup_memory(tmp_path, own) == [750]
    missing = tmp_path / "none"
    assert _cgroup_memory(tmp_path, missing) == []


def write_cgroup(folder: Path, limit: str, used: str) -> None:
    folder.mkdir()
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text("anon 5\ninactive_file 50\n")


def test_others_crowd_the_machine_and_own_children_do_not() -> None:
    n_busy = 4 * (os.cpu_count() or 1)
    command = [sys.executable, "-c", BUSY_LOOP]
    own = [subprocess.Popen(command) for _ in range(n_busy)]
    time.sleep(0.5)
    among_own = min(measure_crowding() for _ in range(5))
    for process in own:
        process.kill()
        process.wait()
    others = start_orphans(n_busy)
    time.sleep(0.5)
    among_others = max(measure_crowding() for _ in range(5))
    for pid in others:
        os.kill(pid, signal.SIGKILL)
    assert among_others >= max(2.0, among_own)  # others may crowd the machine already


def start_orphans(count: int) -> list[int]:
    """Start busy processes that are nobody's children, since their shell is gone."""
    busy = f"'{sys.executable}' -c '{BUSY_LOOP}' > /dev/null 2>&1 & echo $!"
    script = f"for i in $(seq {count}); do {busy}; done"
    command = ["sh", "-c", script]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(pid) for pid in finished.stdout.split()]
