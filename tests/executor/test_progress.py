"""A network that is trained in parts is the one that is trained at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from automl.budget import Budget
from automl.candidate import Candidate, Job
from automl.executor.work import Encode, WorkResult
from automl.executor.worker import Worker
from automl.features.recipe import RECIPES
from automl.run_files import PROGRESS
from tests.executor.test_contract import table

RECIPE = replace(RECIPES["onehot"], text="skip")
WHOLE = Job(Candidate("mlp", {"width": 16, "restarts": 3}, RECIPE), "d", seed=3)


def rung(rounds: int) -> Job:
    return replace(WHOLE, rows=10_000, rounds=rounds)


def fitted(work: Path, *jobs: Job) -> list[WorkResult]:
    """The results of jobs that workers do, each in a process that knows nothing of the others."""
    table().save(work / "data")
    assert Worker(work).do(Encode(RECIPE), Budget()).outcome.is_done
    return [Worker(work).do(job, Budget()) for job in jobs]


def files(work: Path) -> list[Path]:
    return list((work / PROGRESS).glob("*"))


def test_a_fit_that_went_on_gives_the_same_files_as_one_from_zero(tmp_path: Path) -> None:
    (at_once,) = fitted(tmp_path / "once", WHOLE)
    *_, in_parts = fitted(tmp_path / "parts", rung(3), rung(8), WHOLE)
    assert at_once.outcome.is_done
    assert in_parts.outcome.loss == at_once.outcome.loss
    assert in_parts.outcome.rounds == at_once.outcome.rounds
    for name in ("model.zip", "predictions.npy", "detail.json"):
        path = Path("made", WHOLE.key, name)
        once = tmp_path / "once" / path
        parts = tmp_path / "parts" / path
        assert once.read_bytes() == parts.read_bytes()


def test_only_the_furthest_progress_is_kept_and_none_after_the_whole_fit(tmp_path: Path) -> None:
    short, longer = fitted(tmp_path, rung(3), rung(8))
    assert longer.outcome.seconds_before == pytest.approx(short.outcome.seconds)
    assert longer.outcome.whole_seconds > longer.outcome.seconds > 0
    (file,) = files(tmp_path)
    assert file.name.startswith(WHOLE.candidate.id)
    assert file.stem.endswith("-8")
    fitted(tmp_path, WHOLE)
    assert files(tmp_path) == []


def test_other_seeds_folds_and_shorter_fits_begin_at_zero(tmp_path: Path) -> None:
    others = (replace(WHOLE, seed=4), replace(WHOLE, fold=1), rung(2))
    from_zero = fitted(tmp_path / "zero", *others)
    after, *same = fitted(tmp_path / "after", rung(3), *others)
    assert after.outcome.is_done
    losses = [result.outcome.loss for result in same]
    assert losses == [result.outcome.loss for result in from_zero]
