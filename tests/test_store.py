"""The run folder: appended line by line, readable at any moment, never mistaken for another."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import InputError
from automl.event_log import read_events, replay
from automl.events import FindingRecorded, RunStarted
from automl.files import atomic_write, write_text
from automl.finding import Finding
from automl.store import Store


def test_events_come_back_in_order_with_their_times(tmp_path: Path) -> None:
    finding = FindingRecorded(Finding("x", ("ü<b>",), "info", 1))
    store = Store(tmp_path / "run")
    store.log.append(RunStarted(5), 0.5)
    store.log.append(finding, 1.0)
    store.close()
    logged = list(read_events(tmp_path / "run"))
    assert [item.event for item in logged] == [RunStarted(5), finding]
    assert [item.seconds for item in logged] == [0.5, 1.0]
    assert replay(tmp_path / "run").seed == 5


@given(st.integers(0, 200))
def test_a_log_cut_anywhere_replays_to_its_complete_lines(length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "run")
        for seed in range(5):
            store.log.append(RunStarted(seed), 0.0)
        store.close()
        log = Path(folder) / "run" / "events.jsonl"
        torn = log.read_bytes()[:length]
        log.write_bytes(torn)
        assert len(list(read_events(Path(folder) / "run"))) == torn.count(b"\n")


def test_numpy_numbers_may_stand_in_events(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.log.append(RunStarted(np.int64(3)), 0.0)  # type: ignore[arg-type]
    store.close()
    assert replay(tmp_path / "run").seed == 3


def test_a_log_of_a_later_format_is_refused_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"v": 99, "kind": "started", "time": 0.0, "seed": 1}\n')
    with pytest.raises(InputError, match=r"line 1 has format 99; .* reads format 2 to 3"):
        replay(tmp_path)


def test_a_line_of_an_unknown_kind_is_refused_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"v": 3, "kind": "dance", "time": 0.0}\n')
    with pytest.raises(InputError, match="line 1 is not an event that this version knows"):
        replay(tmp_path)


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_run_is_written_by_one_process_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    with pytest.raises(InputError, match="another process is working on this run"):
        Store(tmp_path / "run", is_new=False)
    store.close()


def test_an_empty_folder_may_be_used_and_is_emptied_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")

    def fail() -> None:
        with atomic_write(tmp_path / "a") as temporary:
            temporary.write_text("new")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_without_a_log_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        replay(tmp_path)
