"""A run that comes to nothing removes what it made, and leaves what others put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.budget import Budget
from automl.errors import InputError
from automl.pipeline import read_pipeline
from automl.problem import Problem
from automl.run import Settings, fit


def asked(output: Path) -> Settings:
    """Settings of a run in this process."""
    return Settings(read_pipeline("linear"), output, seconds=None, trials=1, engine="inline")


def refusing(budget: Budget) -> Problem:
    """A table that can't be used."""
    raise InputError("there is one group only")


def test_a_run_that_comes_to_nothing_removes_the_folders_that_it_made(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        fit(refusing, asked(tmp_path / "out" / "deep" / "run"))
    assert list(tmp_path.iterdir()) == []


def test_another_run_in_a_folder_that_it_made_stays(tmp_path: Path) -> None:
    other = tmp_path / "out" / "good"

    def refusing_late(budget: Budget) -> Problem:
        other.mkdir()
        return refusing(budget)

    with pytest.raises(InputError):
        fit(refusing_late, asked(tmp_path / "out" / "bad"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good"]
