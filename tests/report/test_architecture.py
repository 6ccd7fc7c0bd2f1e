"""The chapter on a search of architectures: what it says, what it draws, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.event_log import replay
from automl.events import StageStarted, TrialDecided
from automl.features.recipe import RECIPES
from automl.models import find_family
from automl.report import write_report
from automl.report.architecture import describe_architecture
from automl.report.drawing import Drawing
from automl.report.network_drawing import draw_network
from automl.report.network_search import find_network_search
from automl.search.architectures import FIXED, architecture_ladder
from automl.study import Plan, Size
from automl.task import Task
from tests.report.runs import BROKEN, HOSTILE, TASKS, Made, cleaned_run, full_run
from tests.report.test_report import page_of

N_FOLDS = 3
RECIPE = RECIPES["embedded"]


def searched_run(folder: Path, kind: str = "binary") -> Made:
    """A run in which one proposal won, one came close, and others fell at each of the rungs."""
    made = cleaned_run(folder, kind, Plan("kfold", N_FOLDS))
    made.tell(StageStarted("select"))
    known = Candidate("mlp", {}, RECIPE, "select")
    climb(made, known, 0.30, n_rungs=0, is_complete=True)
    made.tell(StageStarted("tune"))
    for params, loss, n_rungs in (
        ({"width": 128}, 0.29, 3),
        ({"width": 64, "block": "gated"}, 0.50, 1),
        ({"width": 96, "layers": 2, "block": "residual"}, 0.20, 3),
        ({"width": 33}, 0.40, 2),
        ({"width": 250}, 0.31, 3),
    ):
        candidate = Candidate("mlp", {"block": "plain", **params, **FIXED}, RECIPE, "tune")
        is_complete = loss < 0.30
        climb(made, candidate, loss, n_rungs, is_complete)
    return made


def climb(
    made: Made,
    candidate: Candidate,
    loss: float,
    n_rungs: int,
    is_complete: bool = False,
) -> None:
    """Fit a candidate on its rungs, a second each, and on all folds if it gets there."""
    rungs = architecture_ladder(made.study).rungs
    for before, rung in enumerate(rungs[:n_rungs]):
        job = Job(candidate, "d", rows=rung.rows, rounds=rung.rounds)
        made.fit(job, Outcome("done", loss, 1.0, rung.rounds, seconds_before=float(before)))
    if not is_complete:
        made.tell(TrialDecided(candidate.id, "dropped", "not among the best half"))
        return
    for fold in range(N_FOLDS):
        seconds = 4.0 if fold else 4.0 - n_rungs
        made.fit(Job(candidate, "d", 0, fold), Outcome("done", loss + 0.01 * fold, seconds, 50))
    made.tell(TrialDecided(candidate.id, "done"))


def chapter_of(made: Made) -> dict[str, Any]:
    chapter = describe_architecture(made.study)
    assert chapter is not None
    return chapter


def drawn(kind: str = "binary", **params: object) -> Drawing:
    task = TASKS[kind]
    known = find_family("mlp").defaults(task)
    return draw_network({**known, **params}, RECIPE, task, Size(900, 20, 0, 8))


def titles(drawing: Drawing) -> list[str]:
    return [box.title for box in drawing.boxes]


def notes(drawing: Drawing) -> list[str]:
    return [note for box in drawing.boxes for note in box.notes]


@pytest.mark.parametrize("kind", TASKS)
def test_a_run_that_searched_architectures_has_the_chapter(tmp_path: Path, kind: str) -> None:
    made = searched_run(tmp_path / "run", kind)
    page = page_of(tmp_path / "run")
    assert len(page.having("section", id="architecture")) == 1
    assert len(page.having("a", href="#architecture")) == 1
    assert len(page.having("svg", role="img")) == 1
    assert len(page.having("table")) == len(page.having("caption"))
    assert "Why it won" in page.text
    best = made.study.leaders["mlp"]
    assert f"The best network, {best.id}" in page.text


def test_other_reports_have_no_such_chapter(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run")
    assert describe_architecture(made.study) is None
    write_report(replay(tmp_path / "run"), tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    body, _ = page.split('<script type="application/json"')
    assert "rchitecture" not in body
    assert ".network" not in body
    assert "<svg" not in body


def test_fits_of_few_rounds_without_what_the_search_fixes_are_another_search(
    tmp_path: Path,
) -> None:
    made = cleaned_run(tmp_path / "run", plan=Plan("kfold", N_FOLDS))
    climb(made, Candidate("mlp", {"width": 64}, RECIPE, "tune"), 0.3, 3, is_complete=True)
    assert find_network_search(made.study) is None


def test_it_says_how_the_best_network_stands_against_the_next_one_and_the_first_one(
    tmp_path: Path,
) -> None:
    made = searched_run(tmp_path / "run", "regression")
    search = find_network_search(made.study)
    assert search is not None
    text = " ".join(chapter_of(made)["reasons"])
    assert "Its rmse is 0.210000, the mean over 3 folds: the best of 3 complete networks." in text
    assert f"The next best network, {search.start.id}, loses 0.0900" in text
    assert "is better on 0 of 3 folds" in text
    assert "width 96 (not 128), layers 2 (not 3), block residual (not plain)" in text
    assert "The next best network is the one that the search began with." in text


def test_a_best_network_from_before_the_search_is_no_discovery_of_it(tmp_path: Path) -> None:
    made = searched_run(tmp_path / "run")
    older = Candidate("mlp", {"width": 40}, RECIPE, "select")
    climb(made, older, 0.1, n_rungs=0, is_complete=True)
    text = " ".join(chapter_of(made)["reasons"])
    assert "It is not one of the proposals of the search, of which none was better." in text
    assert "restarts 0 (not 3)" in text


def test_it_counts_who_fell_on_which_rung_and_the_seconds_of_resumed_fits_once(
    tmp_path: Path,
) -> None:
    made = searched_run(tmp_path / "run")
    chapter = chapter_of(made)
    counts = [(reached, dropped) for _, reached, dropped, _ in chapter["levels"]]
    assert counts == [("5", "1"), ("4", "1"), ("3", "1"), ("2", "0"), ("2", "0")]
    seconds = [float(row[-1]) for row in chapter["levels"]]
    assert seconds == [1.0, 2.0, 3.0, 0.0, 24.0]
    first = chapter["searched"][0]
    assert first.startswith("5 architectures were proposed: ")
    assert "2 complete on all folds" in first
    assert "3 dropped early" in first
    assert "30.0 s of processor time" in chapter["searched"][1]


def test_it_shows_ranges_and_values_and_what_of_the_next_best_ones_differs(
    tmp_path: Path,
) -> None:
    chapter = chapter_of(searched_run(tmp_path / "run"))
    rows = {row[0]: row[1:] for row in chapter["ranges"]}
    assert chapter["range_headings"] == ("hyperparameter", "searched", "best", "next best")
    assert rows["width"] == ("32 to 256, log scale", "96", "128")
    assert rows["restarts"] == ("always 3", "3", "3")
    assert len(chapter["others"]) == 2
    assert "width 128 (96)" in chapter["others"][0][-1]
    assert "restarts 0 (3)" in chapter["others"][1][-1]


def test_what_has_no_effect_is_no_difference(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run", plan=Plan("kfold", N_FOLDS))
    one = {"waves": 0, "frequency": 0.1, "layers": 1, "taper": 1.0, "block": "plain", **FIXED}
    other = {**one, "frequency": 0.3, "taper": 0.5, "block": "residual", "width": 40}
    climb(made, Candidate("mlp", one, RECIPE, "tune"), 0.2, 3, is_complete=True)
    climb(made, Candidate("mlp", other, RECIPE, "tune"), 0.3, 3, is_complete=True)
    search = find_network_search(made.study)
    assert search is not None
    assert search.differences(*search.networks) == [("width", 128, 40)]


def test_the_drawing_goes_from_a_row_to_the_prediction() -> None:
    drawing = drawn("binary", pieces=16, layers=2, dropout=0.25, normalised=True)
    assert titles(drawing) == [
        "a row of the table",
        "numbers",
        "cosines",
        "pieces",
        "vectors",
        "2 members",
        "128 values",
        "128 values",
        "2 last layers",
        "mean of the 2 predictions",
        "a probability",
    ]
    assert notes(drawing).count("normalised, SiLU") == 2
    assert notes(drawing).count("dropout 25%") == 2
    for title in titles(drawing):
        assert title in drawing.description


def test_one_member_needs_no_mean() -> None:
    drawing = drawn("regression", members=1, waves=0)
    assert "last layer" in titles(drawing)
    assert titles(drawing)[-1] == "a number"
    assert not any("mean" in title for title in titles(drawing))
    assert "cosines" not in titles(drawing)


def test_each_residual_block_but_the_first_has_a_way_around_it() -> None:
    drawing = drawn(block="residual", layers=3)
    assert [sign.text for sign in drawing.signs] == ["+", "+"]
    assert sum("Q" in path for path in drawing.arrows) == 2


def test_gated_blocks_are_products_of_narrower_and_narrower_halves() -> None:
    drawing = drawn(block="gated", layers=2, taper=0.5)
    assert [sign.text for sign in drawing.signs] == ["×", "×"]
    assert {"128 values", "128 gates", "64 values", "64 gates"} <= set(titles(drawing))
    widths = [box.width for box in drawing.boxes if box.look == "block"]
    assert widths[0] > widths[-1]


@pytest.mark.parametrize("block", ["plain", "residual", "gated"])
@pytest.mark.parametrize("layers", [1, 4])
def test_nothing_is_drawn_outside_the_drawing(block: str, layers: int) -> None:
    drawing = drawn(block=block, layers=layers, members=4, pieces=16, taper=0.5)
    for box in drawing.boxes:
        shift = max(box.hidden_cards, default=0)
        assert box.x >= 0
        assert box.y - shift >= 0
        assert box.x + box.width + shift <= drawing.width
        assert box.bottom <= drawing.height
    for upper, lower in zip(drawing.boxes, drawing.boxes[1:], strict=False):
        assert lower.y == upper.y or lower.y > upper.bottom


def test_names_of_classes_can_not_break_the_drawing(tmp_path: Path) -> None:
    task = Task("multiclass", HOSTILE, "log_loss", ("<b>", BROKEN, "</svg>"))
    params = find_family("mlp").defaults(task)
    *_, last = draw_network(params, RECIPE, task, Size(900, 20)).boxes
    assert last.title == "probabilities of 3 classes"
    assert "".join(last.notes).isprintable()
    searched_run(tmp_path / "run", "multiclass")
    page = page_of(tmp_path / "run")
    assert len(page.having("script")) == 3
