"""The displays: their text, their cost, and that they write to standard error only."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from automl.cli.display import Bounds, Live, Plain, Quiet, choose
from automl.cli.summary import leaderboard_text, run_summary, select_rows
from automl.events import (
    FindingRecorded,
    FitEnded,
    FitStarted,
    RecipesChosen,
    RunFinished,
    StageStarted,
)
from automl.features.recipe import RECIPES
from automl.finding import Finding
from automl.leaderboard import leaderboard
from automl.report.summary import expected
from automl.study import Study
from tests.report.runs import OVERRIDE, TASKS, Made, cleaned_run, empty_run, examined_run, full_run


def bounds(seconds: float | None = 60.0, trials: int | None = None) -> Bounds:
    return Bounds(seconds, trials, started=100.0, clock=lambda: 112.34)


def lines_of(made: Made, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    with Plain(bounds(), stream, verbose) as shown:
        for study, event in made.told:
            shown(study, event)
    return stream.getvalue().splitlines()


def drawn(live: Live, width: int = 100) -> str:
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(live.render())
    return stream.getvalue()


def drain(leader: int, got: list[bytes]) -> None:
    """Read a terminal until it is closed, which is an error on Linux."""
    with contextlib.suppress(OSError):
        while part := os.read(leader, 4096):
            got.append(part)


def terminal(width: int) -> tuple[Live, io.StringIO]:
    """Return a display on a terminal of a number of columns, and its output."""
    stream = io.StringIO()
    live = Live(bounds(), stream)
    live._region.console.width = width
    return live, stream


def after(made: Made, trials: int | None = None) -> Live:
    live = Live(bounds(None if trials else 60.0, trials), io.StringIO())
    for study, event in made.told:
        live(study, event)
    return live


def test_plain_lines_show_stages_and_trials(tmp_path: Path) -> None:
    shown = lines_of(full_run(tmp_path / "run"))
    findings = shown[:3]
    lines = shown[3:]
    assert [line[:20] for line in findings] == [
        "   12.3 s  found    ",
        "   12.3 s  warning  ",
        "   12.3 s  found    ",
    ]
    task = "binary churn by roc_auc; 5 folds; 3 findings"
    assert lines[0] == f"   12.3 s  clean     12 345 rows, 17 columns; {task}"
    assert lines[1] == "   12.3 s  extract   native, onehot"
    assert lines[2] == "   12.3 s  select"
    assert lines[3].startswith("   12.3 s  select    constant native  roc_auc 0.5")
    assert lines[3].endswith("(best)")
    assert any("failed: ValueError: Input contains <NaN>" in line for line in lines)
    assert not any("dropped" in line for line in lines)
    assert lines[-1].startswith("   12.3 s  ensemble  4 models  roc_auc 0.9")


def test_verbose_lines_show_every_event_and_the_begin_of_a_candidate_once(
    tmp_path: Path,
) -> None:
    made = full_run(tmp_path / "run", trials=6)
    begun = sum(isinstance(event, FitStarted) for _, event in made.told)
    lines = lines_of(made, verbose=True)
    assert len(lines) == len(made.told) - begun + len(made.study.trials)
    assert sum("  new     " in line for line in lines) == len(made.study.trials)


def test_a_stage_with_a_result_has_one_line(tmp_path: Path) -> None:
    made = empty_run(tmp_path / "run")
    made.tell(StageStarted("extract"))
    made.tell(RecipesChosen((RECIPES["native"],)))
    assert lines_of(made) == ["   12.3 s  extract   native"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_finding_is_wrapped_and_never_cut_before_the_option_that_changes_it(
    tmp_path: Path, width: int
) -> None:
    made = empty_run(tmp_path / "run")
    long = (
        "taken as missing, as no other value comes near "
        "and it stands in the table a hundred times as often as its neighbours"
    )
    finding = Finding("sentinel", ("age",), "warning", 12, ("999",), long, OVERRIDE)
    made.tell(FindingRecorded(finding))
    live, stream = terminal(width)
    for study, event in made.told:
        live(study, event)
    lines = stream.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    assert f"{long} (12 cells, e.g. '999'; to change it: {OVERRIDE})" in " ".join(
        line[9:].strip() for line in lines
    )
    assert lines[0].startswith("warning  age: taken as missing")


def test_a_test_score_is_shown_with_its_rows(tmp_path: Path) -> None:
    line = lines_of(examined_run(tmp_path / "run"))[-2]
    score = "roc_auc 0.763000 on 400 rows of test.csv"
    others = "(of 500; the others were not drawn or have no target)"
    assert line == f"   12.3 s  test      {score} {others}"


def test_the_summary_shows_the_test_scores_of_predictor_and_members(
    tmp_path: Path,
) -> None:
    made = examined_run(tmp_path / "run")
    text = run_summary(made.study, tmp_path / "run", "abc", 10.0)
    assert "\nTest score      roc_auc 0.763000 on 400 rows of test.csv (of 500; the others" in text
    heading, *rows = [
        line.split() for line in text.splitlines() if "roc_auc" in line or "ensemble" in line
    ][:2]
    assert heading[4] == "test"
    assert rows[0][5] == "0.763000"


def test_the_summary_shows_which_fits_failed_and_why(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run")
    text = run_summary(made.study, tmp_path / "run", "abc", 10.0)
    failed = next(trial for trial in made.study.trials.values() if trial.decided == "failed")
    line = next(line for line in text.splitlines() if line.startswith("Failed"))
    assert line.startswith("Failed          3 fits (")
    assert line.endswith(f"{failed.candidate.family} {failed.id}: ValueError: Input contains <NaN>")
    assert "tracebacks" not in text  # none were kept
    (tmp_path / "run" / "failures.txt").write_text("Traceback", encoding="utf-8")
    assert f"tracebacks: {tmp_path / 'run' / 'failures.txt'}" in run_summary(
        made.study, tmp_path / "run", "abc", 10.0
    )


def test_the_summary_without_failures_does_not_mention_them(tmp_path: Path) -> None:
    assert "Failed" not in run_summary(
        full_run(tmp_path / "run", trials=4).study, tmp_path / "run", "abc", 10.0
    )


def test_an_interruption_has_a_line(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run")
    made.tell(RunFinished("interrupted"))
    assert lines_of(made)[-1].endswith("interrupted: ending with the constant baseline")


def test_names_with_control_characters_or_markup_are_written_out(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run")
    study, event = made.told[4]
    hostile = replace(study, task=replace(TASKS["binary"], target="[bold]\x1b[2J\n"))
    stream = io.StringIO()
    Plain(bounds(), stream)(hostile, event)
    assert stream.getvalue().count("\n") == 1
    assert r"binary [bold]\x1b[2J\n by roc_auc" in stream.getvalue()
    live = Live(bounds(), io.StringIO())
    live(replace(hostile, stage="[red]\x1b"), event)
    assert r"[red]\x1b" in drawn(live)


def test_live_shows_stage_time_fits_and_the_best_models(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run")
    made.told = made.told[:-3]
    text = drawn(after(made))
    fits = [event for _, event in made.told if isinstance(event, FitEnded)]
    done = sum(fit.outcome.status == "done" for fit in fits)
    failed = sum(fit.outcome.status == "failed" for fit in fits)
    assert "48 s left of 1 min" in text
    assert text.startswith("tune")
    assert f"{done} fits done, {failed} failed" in text
    assert "3 findings" in text
    best = made.study.ranked[0]
    assert f"{1 - best.loss:.5f}" in text
    assert text.count("5/5") == 5


def test_live_shows_candidates_without_a_clock(tmp_path: Path) -> None:
    text = drawn(after(full_run(tmp_path / "run", trials=6), trials=20))
    assert "6 of 20 candidates, 12 s" in text


def test_live_shows_something_before_the_first_event() -> None:
    text = drawn(Live(bounds(), io.StringIO()))
    assert text.startswith("reading")
    assert "0 fits done" in text


def test_live_shows_running_families_and_finished_folds(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run")
    begun = [place for place, (study, _) in enumerate(made.told) if study.running]
    made.told = made.told[: begun[8] + 1]
    assert "1 running (lightgbm)" in drawn(after(made))
    assert "/5  lightgbm" in drawn(after(made))


@pytest.mark.parametrize("width", [20, 40, 200])
def test_live_fits_any_width(tmp_path: Path, width: int) -> None:
    live = after(full_run(tmp_path / "run"))
    assert all(len(line) <= width for line in drawn(live, width).splitlines())


def test_an_event_costs_less_than_a_millisecond(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run", trials=60)
    live, plain = Live(bounds(), io.StringIO()), Plain(bounds(), io.StringIO())
    for shown in (live, plain):
        start = time.process_time()
        for study, event in made.told:
            shown(study, event)
        assert (time.process_time() - start) / len(made.told) < 0.001


def test_live_draws_on_a_terminal_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = full_run(tmp_path / "run")
    leader, follower = pty.openpty()
    got: list[bytes] = []
    reader = threading.Thread(target=drain, args=(leader, got))
    reader.start()
    with open(follower, "w", encoding="utf-8") as stream:
        shown = choose(60.0, None, time.monotonic(), stream=stream)
        assert isinstance(shown, Live)
        with shown:
            for study, event in made.told:
                shown(study, event)
    reader.join(10)
    os.close(leader)
    output = b"".join(got).decode()
    assert "left of 1 min" in output
    assert output.rstrip().endswith("\x1b[2K")  # the last line is erased
    assert "\x1b[?25h" in output  # the cursor is back
    assert capsys.readouterr() == ("", "")


def test_the_display_fits_its_stream() -> None:
    assert type(choose(60.0, None, 0.0, quiet=True)) is Quiet
    assert isinstance(choose(60.0, None, 0.0, stream=io.StringIO()), Plain)
    assert choose(60.0, None, 0.0, quiet=True).observers == []
    plain = choose(None, 5, 0.0, stream=io.StringIO())
    assert plain.observers == [plain]


def test_progress_goes_to_standard_error_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with choose(60.0, None, time.monotonic(), verbose=True) as shown:
        for study, event in full_run(tmp_path / "run", trials=4).told:
            for observer in shown.observers:
                observer(study, event)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", TASKS)
def test_the_summary_is_complete(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "my run"
    made = full_run(folder, kind)
    (folder / "predictor.automl").write_bytes(b"")
    text = run_summary(made.study, folder, "ab" * 32, 58.31)
    score = expected(made.study)
    assert score is not None
    assert f"{score.metric} {score.score_text}" in text
    assert score.interval_text in text
    assert str(folder / "predictor.automl") in text
    assert "report.html" not in text  # it isn't there
    assert "ab" * 32 in text
    assert text.endswith(f"automl predict '{folder}' new.csv")
    assert text.isascii()


def test_the_summary_of_a_run_without_a_model(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run")
    assert "none: no model was tried on every fold" in run_summary(
        made.study, tmp_path / "run", "ab", 5.0
    )
    assert "Leaderboard" not in run_summary(Study(), tmp_path / "run", "ab", 5.0)
    assert "give more time" in run_summary(made.study, tmp_path / "run", "ab", 5.0, 6.0)


def test_a_run_that_is_late_says_by_how_much(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run")
    assert "Time taken      6.50 s, 1.50 s more than the budget\n" in run_summary(
        made.study, tmp_path / "run", "ab", 6.5, 5.0
    )
    assert "Time taken      4.50 s\n" in run_summary(made.study, tmp_path / "run", "ab", 4.5, 5.0)


def test_the_leaderboard_is_an_aligned_table(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run")
    rows = leaderboard(made.study)
    lines = leaderboard_text(rows, 10).splitlines()
    assert len(lines) == 13
    assert lines[-1].startswith("The ensemble's score is corrected")
    assert lines[0].split() == [
        "rank",
        "roc_auc",
        "95%",
        "interval",
        "weight",
        "seconds",
        "MB",
        "ms",
        "id",
        "model",
    ]
    assert {line.index(row["id"]) for line, row in zip(lines[1:11], rows, strict=False)} == {
        lines[0].index("id")
    }
    assert len(leaderboard_text(rows).splitlines()) == len(rows) + 3
    assert "(dropped: far behind the best after one fold)" in leaderboard_text(rows)
    assert all(line == line.rstrip() for line in lines)


def test_models_that_are_tied_with_the_best_are_marked(tmp_path: Path) -> None:
    study = full_run(tmp_path / "run").study
    first, second = study.ranked[0].id, study.ranked[2].id
    rows = leaderboard(replace(study, evaluation=replace(study.evaluation, tied=(first, second))))
    assert [row["id"] for row in rows if row["status"] == "done, tied with the best"] == [
        first,
        second,
    ]
    lines = leaderboard_text(rows, 6).splitlines()
    assert [line.split()[0] for line in lines[1:7]] == ["1", "2=", "3", "4=", "5", "6"]
    assert lines[-2].startswith("= can't be told apart from the best model")
    assert "tied" not in "".join(lines[:7])


def test_a_leaderboard_without_rows_or_scores(tmp_path: Path) -> None:
    assert leaderboard_text(leaderboard(empty_run(tmp_path / "run").study)) == "no model yet"


def test_the_final_leaderboard_has_the_best_rows_and_the_best_of_each_family(
    tmp_path: Path,
) -> None:
    rows = leaderboard(full_run(tmp_path / "run", trials=40).study)
    shown = select_rows(rows, 10)
    assert len(shown) == 10
    assert [row["rank"] for row in shown] == sorted(row["rank"] for row in shown)
    assert shown[0]["rank"] == 1
    done = [row for row in rows if row["status"] == "done"]
    assert {row["family"] for row in shown} >= {row["family"] for row in done}
    assert select_rows(rows, 1000) == rows
