"""The report is a page that parses, shows the study, and that no name can break."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from automl.budget import Budget
from automl.candidate import Candidate, Job, Outcome
from automl.errors import InputError
from automl.event_log import replay
from automl.events import EnsembleWeighted, RunFinished
from automl.formatting import decimal_places, format_number
from automl.insight import learn_from
from automl.leaderboard import leaderboard
from automl.report import Reporter, write_report
from automl.report.summary import expected
from automl.study import Evaluation, Plan
from automl.timeline import read_timeline
from tests.report.runs import (
    BROKEN,
    HOSTILE,
    OVERRIDE,
    TASKS,
    cleaned_run,
    empty_run,
    examined_run,
    full_run,
)

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """A page as a browser parses it: tags that match, texts, scripts, tables and figures."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def having(self, tag: str, **attrs: str) -> list[dict[str, str | None]]:
        return [
            found for name, found in self.tags if name == tag and attrs.items() <= found.items()
        ]


def page_of(folder: Path) -> Page:
    write_report(replay(folder), folder)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", TASKS)
def test_a_finished_run_is_shown_completely(tmp_path: Path, kind: str) -> None:
    made = full_run(tmp_path / "run", kind, plan=Plan("kfold", 3, 2))
    page = page_of(tmp_path / "run")
    score = expected(made.study)
    assert score is not None
    assert f"Expected {score.metric}" in page.text
    assert score.score_text in page.text
    assert score.interval_text in page.text
    assert "12 345 rows, 17 feature columns" in page.text
    assert f"automl predict {tmp_path / 'run'} new.csv" in page.text
    assert OVERRIDE in page.text
    assert "of 10 min" in page.text
    for row in leaderboard(made.study):
        assert row["id"] in page.text
    assert {"plot-loss", "plot-weights", "plot-folds", "plot-time", "plot-curve"} == {
        found["id"] for found in page.having("div", **{"class": "plot"})
    }


def test_the_page_written_during_the_run_can_be_written_again_from_its_folder(
    tmp_path: Path,
) -> None:
    made = full_run(tmp_path / "run")
    write_report(made.study, tmp_path / "run")
    first = (tmp_path / "run" / "report.html").read_bytes()
    write_report(replay(tmp_path / "run"), tmp_path / "run")
    assert (tmp_path / "run" / "report.html").read_bytes() == first


def test_it_needs_no_network(tmp_path: Path) -> None:
    full_run(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert not page.having("link")
    assert all("src" not in attrs for tag, attrs in page.tags if tag in ("script", "img", "iframe"))
    assert all(str(attrs["href"]).startswith("#") for attrs in page.having("a"))
    assert any("plotly.js" in script[:200] for script in page.scripts)


def test_tables_have_captions_and_figures_a_description(tmp_path: Path) -> None:
    full_run(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert len(page.having("table")) == len(page.having("caption")) == 5
    assert all(figure["aria-label"] for figure in page.having("div", **{"class": "plot"}))
    assert page.having("html")[0]["lang"] == "en"


def test_names_of_columns_can_not_break_the_page(tmp_path: Path) -> None:
    full_run(tmp_path / "run", "multiclass", trials=8)
    page = page_of(tmp_path / "run")
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in html
    assert HOSTILE in page.text  # as words
    assert f"Predicting {HOSTILE}" in page.text
    assert len(page.having("script")) == 3  # figures, plotly, ours
    body = html[: html.index("<script")]
    assert body.replace("\n", "").isprintable()
    assert r"bell\x07 red\x1b[31m back\u202e zero\x00 [bold]" in page.text
    assert BROKEN not in html


def test_hostile_families_and_hyperparameters_are_shown_as_text(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run", plan=Plan("holdout", 1))
    params = {HOSTILE: "\u2028" + HOSTILE}
    candidate = Candidate("</script><b>", params, made.study.recipes[0], "select")
    made.fit(Job(candidate, "d"), Outcome("done", 0.25, 1.0))
    evaluation = Evaluation(0.25, 0.2, 0.3, rows=100, new=30)
    made.tell(EnsembleWeighted({candidate.id: 1.0}, "refit", evaluation))
    page = page_of(tmp_path / "run")
    assert len(page.having("script")) == 3
    drawn = json.loads(page.scripts[0])
    assert "&lt;/script&gt;&lt;b&gt;" in json.dumps(drawn)
    assert "</script><b> native" in page.text


def test_figures_hold_the_numbers_of_the_study(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run", "regression")
    drawn = {figure["name"]: figure for figure in json.loads(page_of(tmp_path / "run").scripts[0])}
    best = drawn["loss"]["data"][0]
    assert best["name"] == "best so far"
    assert best["y"] == sorted(best["y"], reverse=True)
    assert best["y"][-1] == made.study.ranked[0].loss
    assert best["x"] == sorted(best["x"])
    *of_families, ensemble = drawn["loss"]["data"][1:]
    assert (ensemble["name"], ensemble["y"]) == ("ensemble", [made.study.evaluation.loss])
    dots = [loss for trace in of_families for loss in trace["y"]]
    assert sorted(dots) == [trial.loss for trial in made.study.ranked]
    assert drawn["weights"]["data"][0]["x"] == list(made.study.weights.values())
    trained = sum(sum(bar["x"]) for bar in drawn["time"]["data"])
    assert trained == pytest.approx(
        sum(trial.seconds for trial in made.study.trials.values()), abs=0.1
    )


def test_scores_have_the_natural_sign(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run", "binary")
    best = made.study.ranked[0]
    assert (
        format_number(1 - best.loss, decimal_places(1 - best.loss))
        in page_of(tmp_path / "run").text
    )


def test_dropped_and_failed_trials_are_folded_away_with_their_reason(tmp_path: Path) -> None:
    full_run(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert "more: dropped, failed or unfinished" in page.text
    assert "dropped: far behind the best after one fold" in page.text
    assert "failed: ValueError: Input contains <NaN>" in page.text


def test_a_test_score_outside_the_interval_is_a_warning_in_the_summary_and_a_finding(
    tmp_path: Path,
) -> None:
    made = examined_run(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert "Test score roc_auc 0.763000 on 400 rows of test.csv" in page.text
    warning = "roc_auc 0.763 on 400 rows of test.csv is worse than the 0.9 to 0.95"
    assert page.text.count(warning) == 2
    assert len(page.having("p", role="alert")) == 1
    assert "--group COL, --time COL" in page.text
    assert "test" in page.words
    assert [row["test"] for row in leaderboard(made.study)[:2]] == [0.763, 0.75]


def test_a_test_score_within_the_interval_is_no_warning(tmp_path: Path) -> None:
    made = examined_run(tmp_path / "run", low=0.7)
    page = page_of(tmp_path / "run")
    assert "Test score roc_auc 0.763000" in page.text
    assert page.having("p", role="alert") == []
    assert "test_score" not in [finding.code for finding in made.study.findings]


def test_the_summary_names_failed_fits_and_the_file_of_tracebacks(tmp_path: Path) -> None:
    full_run(tmp_path / "run")
    (tmp_path / "run" / "failures.txt").write_text("Traceback", encoding="utf-8")
    text = page_of(tmp_path / "run").text
    assert "Failed 3 fits (" in text
    assert "ValueError: Input contains <NaN>. The tracebacks are in failures.txt" in text


def test_a_run_without_a_task_gives_a_readable_page(tmp_path: Path) -> None:
    empty_run(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert "A run without a task" in page.text
    assert "has not ended, or was killed" in page.text
    assert len(page.having("script")) == 2  # nothing to draw: no plotly


def test_a_run_without_trials_or_weights_gives_a_readable_page(tmp_path: Path) -> None:
    cleaned_run(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert "No model was tried on every fold" in page.text
    assert "zone" in page.text
    assert "No models were combined." in page.text


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run")
    made.tell(RunFinished("interrupted"))
    assert "The run was interrupted" in page_of(tmp_path / "run").text


def test_a_budget_of_trials_is_shown(tmp_path: Path) -> None:
    cleaned_run(tmp_path / "run")
    (tmp_path / "run" / "run.toml").write_text("[budget]\ntrials = 20\n", encoding="utf-8")
    assert "bounded by 20 candidates" in page_of(tmp_path / "run").text


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    made = cleaned_run(tmp_path / "run")
    with pytest.raises(InputError, match=r"holds no events\.jsonl"):
        write_report(made.study, tmp_path)
    (tmp_path / "run" / "run.toml").write_text("[budget\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.toml: is damaged"):
        write_report(made.study, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert not (tmp_path / "run" / "report.html").exists()


def test_it_imports_no_plotly_and_is_quick_for_200_trials(tmp_path: Path) -> None:
    full_run(tmp_path / "run", trials=200)
    code = """
        import sys, time
        from pathlib import Path
        from automl.event_log import replay
        folder = Path(sys.argv[1])
        study = replay(folder)
        start = time.process_time()
        from automl.report import write_report
        write_report(study, folder)
        print(time.process_time() - start)
        assert "plotly" not in sys.modules and "pandas" not in sys.modules
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 1.0  # 0.2 s here; twice the gate of 0.5 s, for a busy machine


def test_a_chapter_shows_the_lessons_of_the_search(tmp_path: Path) -> None:
    made = full_run(tmp_path / "run", trials=200)
    assert "What the search teaches" not in page_of(tmp_path / "run").text
    insight = learn_from(made.study, read_timeline(tmp_path / "run"))
    write_report(made.study, tmp_path / "run", insight)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for lesson in insight.lessons:
        assert f'id="plot-importance-{lesson.family}"' in text
        assert f'id="plot-effects-{lesson.family}"' in text
    assert "Is more time worth it?" in text


@pytest.mark.parametrize(("seconds", "has_chapter"), [(60.0, True), (0.1, False)])
def test_the_chapter_is_written_if_the_budget_leaves_the_time(
    seconds: float, has_chapter: bool, tmp_path: Path
) -> None:
    made = full_run(tmp_path / "run", trials=90)
    Reporter(Budget(time.monotonic() + seconds))(made.study, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert ("What the search teaches" in page) == has_chapter
