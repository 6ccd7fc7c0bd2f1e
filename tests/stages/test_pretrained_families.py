"""Pretrained families are left out where a table is too large, and tell their licences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from automl.models import PRETRAINED_FAMILIES, is_pretrained
from automl.search.portfolio import portfolio
from automl.stages._pretrained_families import LICENCES, TOO_LARGE
from automl.stages.select import Select
from automl.study import Size, Study
from tests.search.test_stages import lab_of, started

NAMES = tuple(family.name for family in PRETRAINED_FAMILIES)


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each family find the oldest published checkpoint, which nobody reads here."""
    for family in PRETRAINED_FAMILIES:
        path = tmp_path / family.weights.files["classification"][-1]
        path.write_bytes(b"weights")
        monkeypatch.setenv(family.weights.variable, str(path))


def selected(path: Path, size: Size) -> Study:
    """Return a study after two select stages that name both families."""
    lab = lab_of(path, 900)
    select = Select(families=(*NAMES, "linear"), low_fidelity=False)
    study = replace(started(lab), size=size)
    study = select.run(study, lab, lab.budget)
    study = select.run(study, lab, lab.budget)
    lab.data.store.close()
    return study


def told(study: Study, code: str) -> list[str]:
    return [finding.text() for finding in study.findings if finding.code == code]


def tried(study: Study) -> set[str]:
    return {trial.family for trial in study.trials.values() if is_pretrained(trial.family)}


def test_licences_are_told_once(tmp_path: Path) -> None:
    study = selected(tmp_path, Size(500, 5))
    assert tried(study) == set(NAMES)
    licences = told(study, LICENCES)
    assert len(licences) == len(NAMES)
    assert "BSD-3-Clause" in licences[0]
    assert "Prior Labs License" in licences[1]
    assert told(study, TOO_LARGE) == []


def test_a_table_that_is_too_large_for_one_is_left_to_the_others(tmp_path: Path) -> None:
    study = selected(tmp_path, Size(1_500, 5))
    assert tried(study) == {"tabicl"}
    assert told(study, TOO_LARGE) == [
        "tabpfn is not tried: there are 1500 rows, and it takes at most 1000"
    ]
    assert len(told(study, LICENCES)) == 1


def test_too_many_columns_count_as_well(tmp_path: Path) -> None:
    study = selected(tmp_path, Size(500, 3_000))
    assert tried(study) == set()
    assert len(told(study, TOO_LARGE)) == len(NAMES)
    families = {candidate.family for candidate in portfolio(study, (*NAMES, "linear"))}
    assert families == {"constant", "linear"}
