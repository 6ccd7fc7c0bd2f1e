"""The run folder: appended line by line, readable at any moment, and never mistaken for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import InputError
from automl.files import whole, write_text
from automl.store import FORMAT, Store, events, replay


def test_events_come_back_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.append({"kind": "started", "seed": 5}, 0.5)
    store.append({"kind": "finding", "finding": {"code": "x", "columns": ["ü<b>"]}}, 1.0)
    store.close()
    assert [event["kind"] for event in events(tmp_path / "run")] == ["started", "finding"]
    assert [event["v"] for event in events(tmp_path / "run")] == [FORMAT, FORMAT]
    assert replay(tmp_path / "run").seed == 5


@given(st.integers(0, 200))
def test_a_log_cut_anywhere_replays_to_its_whole_lines(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "run")
        for seed in range(5):
            store.append({"kind": "started", "seed": seed}, 0.0)
        store.close()
        log = Path(folder) / "run" / "events.jsonl"
        blob = log.read_bytes()
        log.write_bytes(blob[: min(cut, len(blob))])
        whole_lines = blob[: min(cut, len(blob))].count(b"\n")
        assert len(list(events(Path(folder) / "run"))) == whole_lines


def test_numpy_numbers_may_stand_in_events(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.append({"kind": "started", "seed": np.int64(3)}, 0.0)
    store.close()
    assert replay(tmp_path / "run").seed == 3


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_may_be_used_and_is_emptied_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")

    def fail() -> None:
        with whole(tmp_path / "a") as temporary:
            temporary.write_text("new")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_without_a_log_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        replay(tmp_path)
