"""When things happened: spans of stages, in logs of this version and of earlier ones."""

from __future__ import annotations

from pathlib import Path

from automl.features.recipe import RECIPES
from automl.timeline import read
from tests.report.runs import cleaned_run, empty_run, full_run


def spans(folder: Path) -> list[tuple[str, float, float]]:
    return [(span.stage, span.start, span.end) for span in read(folder).spans]


def test_earlier_versions_told_two_stages_when_they_ended(tmp_path: Path) -> None:
    cleaned_run(tmp_path / "run").tell({"kind": "stage", "stage": "select"}, after=2.0)
    told = [
        (stage, round(start, 3), round(end, 3)) for stage, start, end in spans(tmp_path / "run")
    ]
    assert told == [("clean", 0.0, 0.8), ("extract", 0.8, 0.9), ("select", 2.9, 2.9)]


def test_a_stage_begins_when_it_is_told_and_ends_with_what_it_hands_on(tmp_path: Path) -> None:
    made = empty_run(tmp_path / "run")
    recipes = [RECIPES["native"].to_json()]
    for event, after in (
        ({"kind": "stage", "stage": "extract"}, 1.0),
        ({"kind": "stage", "stage": "extract", "recipes": recipes}, 2.0),
        ({"kind": "stage", "stage": "select", "families": []}, 0.5),
        ({"kind": "stage", "stage": "tune"}, 4.0),
        ({"kind": "finished", "how": "done"}, 1.0),
    ):
        made.tell(event, after=after)
    assert spans(tmp_path / "run") == [
        ("extract", 1.0, 3.0),
        ("select", 3.5, 7.5),
        ("tune", 7.5, 8.5),
    ]


def test_the_search_ends_with_its_predictor(tmp_path: Path) -> None:
    full_run(tmp_path / "run")
    timeline = read(tmp_path / "run")
    assert timeline.spans[-1].stage == "ensemble"
    assert timeline.spans[-1].end == timeline.ended == timeline.weighed
