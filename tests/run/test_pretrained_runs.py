"""Whole runs with pretrained models of tiny random weights, on a machine without a network."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from automl.event_log import replay
from automl.models import PRETRAINED_FAMILIES
from automl.stages._pretrained_families import LICENCES
from tests.models.offline import without_network
from tests.models.tiny_checkpoints import VARIABLES, checkpoints, make_checkpoint, needs
from tests.run.commands import PENGUINS, WINE, automl, process

NAMES = [pytest.param(family.name, marks=needs(family.name)) for family in PRETRAINED_FAMILIES]
names = pytest.mark.parametrize("name", NAMES)
FEW = ("--trials", "2", "-q", "--set", "clean.folds=2")
# By this metric, random weights are better than the baseline, which else is the predictor.
BY_RANKS = ("--metric", "roc_auc")
FIT = ("fit", WINE, "--target", "cultivar", *FEW, *BY_RANKS, "--output", "run")


@names
@pytest.mark.parametrize("engine", ["inline", "local"])
def test_a_run_goes_all_the_way_without_a_network(name: str, engine: str, tmp_path: Path) -> None:
    settings, record = without_network(tmp_path)
    settings[VARIABLES[name]] = str(make_checkpoint(name, "classification", tmp_path))
    chosen = ("--set", f"select.families={name}", "--engine", engine)
    made = process(*FIT, *chosen, cwd=tmp_path, **settings)
    assert made.returncode == 0, made.stderr
    study = replay(tmp_path / "run")
    assert [study.trials[trial].family for trial in study.weights] == [name]
    (licences,) = [finding for finding in study.findings if finding.code == LICENCES]
    assert licences.severity == "info"
    assert f"{name} takes part with the weights" in licences.text()
    predicted = process("predict", "run", WINE, "--output", "p.csv", cwd=tmp_path, **settings)
    assert predicted.returncode == 0, predicted.stderr
    assert not record.exists()


@names
def test_a_run_is_made_again_bit_for_bit_and_needs_its_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_checkpoint(name, "classification", tmp_path)
    monkeypatch.setenv(VARIABLES[name], str(path))
    chosen = ("--set", f"select.families={name}")
    made = automl(*FIT, *chosen, "--engine", "inline", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert " 0 differ" in said.stdout
    with zipfile.ZipFile(tmp_path / "run" / "predictor.automl") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert [member["family"] for member in manifest["members"]] == [name]
    assert manifest["facts"]["holds_rows"] is True
    refused = automl("export", "run", "--to", "onnx", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Fit with --set select.families=... of other families." in refused.stderr

    monkeypatch.setenv(VARIABLES[name], str(tmp_path / "nowhere"))
    for command in (("predict", "run", WINE), ("reproduce", "run"), ("resume", "run")):
        refused = automl(*command, cwd=tmp_path)
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1
        assert f"{VARIABLES[name]}={tmp_path / 'nowhere'}" in refused.stderr


@names
def test_without_weights_nothing_is_downloaded_and_the_run_is_refused(
    name: str, tmp_path: Path
) -> None:
    settings, record = without_network(tmp_path)
    settings[VARIABLES[name]] = ""
    refused = process(*FIT, "--set", f"select.families={name}", cwd=tmp_path, **settings)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert f"the family '{name}' needs pretrained weights" in refused.stderr
    assert str(tmp_path / "empty") in refused.stderr
    assert not record.exists()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", NAMES[:1])
def test_weights_for_another_kind_of_task_are_told_as_soon_as_the_task_is_known(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    published = "tabicl-classifier-v2-20260212.ckpt"
    source = checkpoints(name) / published
    (tmp_path / "weights" / published).write_bytes(source.read_bytes())
    monkeypatch.setenv(VARIABLES[name], str(tmp_path / "weights"))
    command = ("fit", PENGUINS, "--target", "body_mass_g", *FEW, "--engine", "inline")
    refused = automl(*command, "--set", f"select.families={name}", cwd=tmp_path)
    assert refused.returncode == 2
    assert "finds no weights for regression there" in refused.stderr
