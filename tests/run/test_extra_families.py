"""Whole runs with networks that torch trains: made again, and taken where torch is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.models import NN_FAMILIES, missing_library
from tests.models.deep_networks import hide_extra
from tests.run.commands import WINE, automl

NAMES = [family.name for family in NN_FAMILIES]
ABSENT = any(missing_library(name) for name in NAMES)
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(ABSENT, reason="needs the extra nn: make programs"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_made_again_bit_for_bit_and_predicts_without_torch(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("--trials", "2", "--engine", "inline", "-q", "--set", "clean.folds=2")
    chosen = ("--set", f"select.families={name}")
    made = automl(
        "fit", WINE, "--target", "cultivar", *few, *chosen, "--output", "run", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert " 0 differ" in said.stdout

    hide_extra(monkeypatch)
    predicted = automl("predict", "run", WINE, "--output", "predicted.csv", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    assert (tmp_path / "predicted.csv").stat().st_size
    for command in ("reproduce", "resume"):
        refused = automl(command, "run", cwd=tmp_path)
        assert refused.returncode == 2
        assert refused.stderr == (
            f"automl: the family {name!r} needs 'torch': pip install 'automl-tabular[nn]'\n"
        )
