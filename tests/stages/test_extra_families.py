"""Families of an extra take part where there is time, and are named where they are absent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from automl.models import NN_FAMILIES, absent_families
from automl.search.portfolio import default_candidate, portfolio
from automl.stages._extra_families import ABSENT, affordable
from automl.stages.select import Select
from automl.stages.tune import _untried
from automl.study import Size, Study
from tests.models.deep_networks import hide_extra
from tests.search.test_stages import lab_of, started

NAMES = [family.name for family in NN_FAMILIES]


def study_of(path: Path, rows: int = 500) -> Study:
    lab = lab_of(path, 100)
    study = replace(started(lab), size=Size(rows, 5))
    lab.data.store.close()
    return study


def test_they_come_last_in_the_race(tmp_path: Path) -> None:
    candidates = portfolio(study_of(tmp_path), ("linear", "lightgbm", *NAMES))
    assert [candidate.family for candidate in candidates[-2:]] == NAMES


def test_a_family_that_takes_too_long_is_left_out(tmp_path: Path) -> None:
    study = study_of(tmp_path, rows=20_000)
    candidates = [default_candidate(study, name) for name in ("linear", *NAMES)]
    assert affordable(study, candidates, 1e6) == candidates
    assert affordable(study, candidates, float("inf")) == candidates
    assert affordable(study, candidates, 60.0) == candidates[:1]


@pytest.mark.heavy
@pytest.mark.skipif(bool(absent_families()), reason="needs the extra nn: make programs")
def test_what_select_had_no_time_for_is_not_tried_later_either(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    short = {candidate.family for candidate in _untried(study, 60.0)}
    long = {candidate.family for candidate in _untried(study, 6_000.0)}
    assert not short & set(NAMES)
    assert set(NAMES) <= long


def absent_findings(path: Path, seconds: float, **options: object) -> list[str]:
    """What a select stage says of families that are not installed."""
    lab = lab_of(path, seconds)
    select = Select(**options)  # type: ignore[arg-type]
    study = select.run(started(lab), lab, lab.budget)
    again = select.run(study, lab, lab.budget)
    lab.data.store.close()
    return [finding.text() for finding in again.findings if finding.code == ABSENT]


def test_what_would_have_been_tried_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_extra(monkeypatch)
    assert absent_findings(tmp_path, 900) == [
        "realmlp and tabm would have been tried, too, if installed: "
        "pip install 'automl-tabular[nn]'"
    ]


def test_nothing_is_told_where_there_is_no_time_or_families_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_extra(monkeypatch)
    assert absent_findings(tmp_path / "short", 50) == []
    assert absent_findings(tmp_path / "named", 900, families=("linear",)) == []
