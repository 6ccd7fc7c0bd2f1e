"""Pipeline files are checked before any work, and options survive the way to TOML and back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from automl.errors import InputError
from automl.pipeline import Pipeline, Step, pipelines, read_pipeline
from automl.stages import STAGES
from automl.stages.select import Select
from automl.stages.tune import Tune


@pytest.mark.parametrize("name", pipelines())
def test_every_bundled_pipeline_is_valid_and_explains_itself(name: str) -> None:
    pipeline = read_pipeline(name)
    assert pipeline.about
    assert pipeline.steps[0].name == "clean"
    assert pipeline.steps[-1].name == "ensemble"
    lines = pipelines()[name].read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("#") for line in lines) >= 4


@pytest.mark.parametrize("name", pipelines())
def test_a_pipeline_survives_being_written_out(name: str, tmp_path: Path) -> None:
    pipeline = read_pipeline(name)
    path = tmp_path / f"{name}.toml"
    steps = [step.to_toml() for step in pipeline.steps]
    text = tomli_w.dumps({"about": pipeline.about, "stage": steps})
    path.write_text(text, encoding="utf-8")
    assert read_pipeline(str(path)).steps == pipeline.steps


def step_of(pipeline: Pipeline, name: str) -> Step:
    return next(step for step in pipeline.steps if step.name == name)


def kinds_of(pipeline: Pipeline) -> dict[str, str]:
    """Return the option `kinds` of the stage clean, which the stages' protocol does not name."""
    stage: Any = step_of(pipeline, "clean").stage
    return dict(stage.kinds)


def test_settings_change_options() -> None:
    settings = [
        "tune.method=random",
        "select.families=linear, knn",
        "select.margin=1",
        "clean.kinds.zip=category",
        "tune.share=3",
    ]
    changed = read_pipeline("default").with_options(settings)
    tune = step_of(changed, "tune")
    assert isinstance(tune.stage, Tune)
    assert tune.stage.method == "random"
    assert tune.share == 3.0
    select = step_of(changed, "select")
    assert isinstance(select.stage, Select)
    assert select.stage.families == ("linear", "knn")
    assert select.stage.margin == 1.0
    assert kinds_of(changed) == {"zip": "category"}


@pytest.mark.parametrize("name", ["a=b", "a==", "zip ", "a.b", "a b=c ", "=", "straße"])
def test_a_columns_kind_is_set_whatever_its_name_is(name: str) -> None:
    setting = f" clean.kinds.{name}=category"
    changed = read_pipeline("linear").with_options([setting])
    assert kinds_of(changed) == {name: "category"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[stage]]\nuse = "claen"\n', "Did you mean 'clean'?"),
        ('[[stage]]\nuse = "tune"\n', "has to be 'clean'"),
        ('[[stage]]\nuse = "clean"\nfolds = "five"\n', "must be a whole number"),
        ('[[stage]]\nuse = "clean"\nfolds = -1\n', "must not be negative"),
        ('[[stage]]\nuse = "clean"\nids = 1\n', "true or false"),
        ('[[stage]]\nuse = "clean"\nshare = "big"\n', "share"),
        ('[[stage]]\nuse = "clean"\nkinds = "all"\n', "a table of names"),
        (
            '[[stage]]\nuse = "clean"\n[[stage]]\nuse = "select"\nfamilies = [1]\n',
            "a list of names",
        ),
        ("stages = 1\n", "Did you mean 'stage'?"),
        ("[[stage]]\nshare = 1\n", "names no stage"),
    ],
)
def test_a_mistake_in_a_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"p\.toml") as caught:
        read_pipeline(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "tune.use=x",
            "--set 'tune.use=x': which stage it is can't be set. "
            "To have other stages, write a pipeline file",
        ),
        ("tune.method.x=1", "'method' has no entries. Write tune.method=VALUE."),
        ("clean.use=select", "which stage it is can't be set"),
        ("tune.shar=3", "unknown key 'shar'. Did you mean 'share'? Known: method, "),
        ("tune.methot=tpe", "unknown key 'methot'. Did you mean 'method'?"),
        ("tune.xyz=1", "unknown key 'xyz'. Known: method, "),
    ],
)
def test_a_refused_setting_suggests_only_names_that_can_be_set(setting: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pipeline("default").with_options([setting])
    assert message in str(caught.value)


@pytest.mark.parametrize("key", ["uses = 1", "shares = 2"])
def test_a_key_of_a_stage_is_no_key_of_the_file(key: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(f'{key}\n[[stage]]\nuse = "clean"\n', encoding="utf-8")
    with pytest.raises(InputError, match="unknown key") as caught:
        read_pipeline(str(tmp_path / "p.toml"))
    assert "Did you mean" not in str(caught.value)


def test_every_option_says_what_it_does() -> None:
    for kind in STAGES.values():
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            about = field.metadata["about"]
            assert about.endswith((".", ")")) or len(about) > 20


FORMER_NAMES = {
    "clean.twins": "clean.dual_typed",
    "clean.codes": "clean.categorical_integers",
    "select.looks": "select.low_fidelity",
    "select.fewest": "select.min_candidates",
}


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_an_option_is_understood_by_its_former_name(former: str, present: str) -> None:
    value = 2 if former == "select.fewest" else "false"
    pipeline = read_pipeline("default")
    by_former_name = pipeline.with_options([f"{former}={value}"])
    assert by_former_name == pipeline.with_options([f"{present}={value}"])
    assert by_former_name != pipeline


def test_a_pipeline_file_may_use_former_names(tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text('[[stage]]\nuse = "clean"\ntwins = false\n', encoding="utf-8")
    (step,) = read_pipeline(str(file)).steps
    assert step.stage == STAGES["clean"](dual_typed=False)
    file.write_text(
        '[[stage]]\nuse = "clean"\ntwins = false\ndual_typed = true\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match="'twins' is called 'dual_typed' now, and both are given"):
        read_pipeline(str(file))
