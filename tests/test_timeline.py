"""When things happened: spans of stages, in logs of this version and of earlier ones."""

from __future__ import annotations

from pathlib import Path

from automl.events import RecipesChosen, RunFinished, StageStarted
from automl.features.recipe import RECIPES
from automl.timeline import read_timeline
from tests.report.runs import cleaned_run, empty_run, full_run


def spans(folder: Path) -> list[tuple[str, float, float]]:
    rounded = []
    for span in read_timeline(folder).spans:
        start = round(span.start, 3)
        end = round(span.end, 3)
        rounded.append((span.stage, start, end))
    return rounded


def test_clean_and_extract_have_an_event_at_their_end_alone_in_earlier_logs(
    tmp_path: Path,
) -> None:
    made = cleaned_run(tmp_path / "run")
    made.tell(StageStarted("select"), after=2.0)
    assert spans(tmp_path / "run") == [
        ("clean", 0.0, 0.8),
        ("extract", 0.8, 0.9),
        ("select", 2.9, 2.9),
    ]


def test_a_stage_ends_with_its_result_or_when_the_next_one_begins(tmp_path: Path) -> None:
    made = empty_run(tmp_path / "run")
    extract = StageStarted("extract")
    recipes = RecipesChosen((RECIPES["native"],))
    made.tell(extract, after=1.0)
    made.tell(recipes, after=2.0)
    made.tell(StageStarted("select", ()), after=0.5)
    made.tell(StageStarted("tune"), after=4.0)
    made.tell(RunFinished("done"), after=1.0)
    assert spans(tmp_path / "run") == [
        ("extract", 1.0, 3.0),
        ("select", 3.5, 7.5),
        ("tune", 7.5, 8.5),
    ]


def test_the_search_ends_with_its_predictor(tmp_path: Path) -> None:
    full_run(tmp_path / "run")
    timeline = read_timeline(tmp_path / "run")
    last = timeline.spans[-1]
    assert last.stage == "ensemble"
    assert last.end == timeline.search_end == timeline.weighted_at
