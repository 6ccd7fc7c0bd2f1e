"""The page: what its template shows, as texts and tables, and the template filled."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.errors import InputError
from automl.formatting import (
    counted,
    duration,
    grouped,
    listed,
    number,
    places,
    predict_command,
    visible,
)
from automl.insight import Insight
from automl.leaderboard import Row, leaderboard
from automl.metrics import metric_of
from automl.report import figures, lessons
from automl.report.lesson_figures import lesson_figures
from automl.report.summary import (
    Expected,
    baseline,
    contradiction,
    expected,
    failures,
    members,
    tested_text,
)
from automl.store import FAILURES, run_facts
from automl.timeline import Timeline, read
from automl.trial import Study

TEMPLATES = Path(__file__).resolve().parent / "templates"
LONGEST = 120  # characters of a name in a table


@dataclass(frozen=True)
class Cell:
    """What a cell of a table shows, and the number by which its column is sorted."""

    text: str
    order: float | None = None
    is_code: bool = False


@dataclass(frozen=True)
class Line:
    """A trial on the page's leaderboard."""

    cells: tuple[Cell, ...]
    kind: str  # "ensemble", "member", "plain" or "out": how it is shown


@dataclass(frozen=True)
class Member:
    """A trial of the predictor with its weight and hyperparameters."""

    name: str
    id: str
    weight: str
    score: str
    seconds: str
    params: tuple[tuple[str, str], ...]


HEADINGS = (
    "rank",
    "model",
    "score",
    "95% interval",
    "test",
    "weight",
    "seconds",
    "MB",
    "stage",
    "id",
    "status",
)
FINISHES = {
    "bag": "each a bag of its fold models",
    "refit": "refitted on all rows",
    "both": "each a bag of its fold models beside refits on all rows",
}


def page(
    study: Study, folder: Path, insight: Insight | None = None, home: Path | None = None
) -> str:
    """The whole page as text, with a chapter of what the search teaches if that is given; it calls the folder `home`."""
    timeline = read(folder)
    made = figures.figures(study, timeline, folder)
    made += lesson_figures(study, insight) if insight is not None else []
    return _filled(
        "report.html",
        made,
        **_shown(study, timeline, folder, home or folder),
        lessons=_lessons(study, insight),
    )


def figure_page(figure: figures.Figure) -> str:
    """A page with one figure."""
    return _filled("figure.html", [figure], heading=figure.heading, name=figure.name)


def _filled(template: str, made: Sequence[figures.Figure], **shown: Any) -> str:
    """A template with its figures and texts."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    return environment.get_template(template).render(
        **shown,
        figures={figure.name: figure for figure in made},
        drawings=[figure.to_json() for figure in made],
        style=Markup(_asset("report.css")),  # these three are files of this package and of plotly's
        script=Markup(_asset("report.js")),
        plotly=Markup(_plotly()) if made else "",
    )


def _shown(study: Study, timeline: Timeline, folder: Path, home: Path) -> dict[str, Any]:
    facts = run_facts(folder)
    rows = leaderboard(study)
    lines = _lines(study, rows)
    return {
        "title": _title(study),
        "state": _state(study),
        "expected": expected(study),
        "headline": _headline(study, expected(study)),
        "summary": _summary(study, timeline, facts, folder),
        "command": predict_command(home) if study.task else "",
        "alarms": study.score_warnings,
        "findings": sorted(study.findings, key=lambda finding: finding["severity"] != "warning"),
        "headings": [name for name in HEADINGS if name != "test" or study.test],
        "warning": contradiction(study),
        "tested": tested_text(study),
        "lines": [line for line in lines if line.kind != "out"],
        "others": [line for line in lines if line.kind == "out"],
        "members": _members(study),
        "finish": FINISHES[study.finish],
        "spans": [
            (span.stage, duration(span.start), duration(span.seconds)) for span in timeline.spans
        ],
        "origin": _origin(facts, home),
    }


def _lessons(study: Study, insight: Insight | None) -> dict[str, Any] | None:
    """What the search teaches, as texts and tables."""
    if insight is None:
        return None
    families = [
        {
            "name": visible(lesson.family, LONGEST),
            "trials": counted(lesson.trials, "trial"),
            "sentences": [
                lessons.tunability(lesson),
                lessons.stability(lesson.stability),
                lessons.safe(lesson),
            ],
            "rows": lessons.ranges(lesson),
            "advice": lessons.advice(lesson),
        }
        for lesson in insight.lessons
    ]
    return {
        "loss": lessons.loss_name(study),
        "story_headings": lessons.STORY,
        "story": lessons.story(insight.story),
        "more": "" if insight.more is None else lessons.more(insight.more),
        "families": families,
        "headings": lessons.RANGES,
        "too_few": lessons.too_few(insight),
        "costs": lessons.costs(insight.cost),
    }


def _title(study: Study) -> str:
    return (
        f"Predicting {visible(study.task.target, LONGEST)}"
        if study.task
        else "A run without a task"
    )


def _state(study: Study) -> str:
    """What a reader must know before trusting the page; empty if the run ended by itself."""
    if study.finished == "interrupted":
        return "The run was interrupted; this is what it had found by then."
    if not study.finished:
        return "The run has not ended, or was killed; this is what its log tells."
    return ""


def _headline(study: Study, score: Expected | None) -> str:
    """The outcome in a sentence."""
    if study.task is None:
        return "The run ended before its table was understood."
    if score is None and study.ranked:
        return "No predictor was chosen yet."
    if score is None:
        return "No model was tried on every fold, so the predictor answers the same for every row."
    better = "greater is better" if score.greater_is_better else "lower is better"
    rows = (
        f" on {counted(score.rows, 'row')} that no fitted model had seen"
        if score.rows
        else " on rows that no fitted model had seen"
    )
    return f"Measured{rows}; {better}."


def _summary(
    study: Study, timeline: Timeline, facts: Mapping[str, Any], folder: Path
) -> list[tuple[str, str]]:
    """Facts about the run, as pairs of a name and a text."""
    constant = baseline(study)
    pairs = [
        ("Task", _task(study)),
        ("Metric", f"{study.task.metric}: {metric_of(study.task).about}" if study.task else ""),
        (
            "Table",
            f"{counted(study.size.rows, 'row')}, {counted(study.size.columns, 'feature column')}"
            if study.task
            else "",
        ),
        ("Held out", _held_out(study) if study.task else ""),
        (
            "Without learning",
            ""
            if constant is None
            else f"{number(constant, places(constant))}, the same answer for every row",
        ),
        ("Tried", _tried(study)),
        ("Failed", _failed(study, folder)),
        ("Predictor", _predictor(study)),
        ("Time", _time(timeline, facts)),
        ("Seed", str(study.seed)),
    ]
    return [(name, text) for name, text in pairs if text]


def _task(study: Study) -> str:
    if study.task is None:
        return ""
    classes = f"{counted(len(study.task.labels), 'class', 'classes')}: {listed(study.task.labels)}"
    return study.task.kind + (f", {classes}" if study.task.labels else "")


def _tried(study: Study) -> str:
    if not study.trials:
        return ""
    complete = len(study.ranked)
    decided = [trial.decided for trial in study.trials.values()]
    dropped, failed = decided.count("dropped"), decided.count("failed")
    ways = {
        "complete": complete,
        "dropped": dropped,
        "failed": failed,
        "unfinished": len(decided) - complete - dropped - failed,
    }
    return f"{counted(len(decided), 'candidate')}: {', '.join(f'{count} {way}' for way, count in ways.items() if count > 0)}"


def _failed(study: Study, folder: Path) -> str:
    """Which candidates failed and why, and where more is told."""
    told = failures(study)
    where = folder / FAILURES
    if not told or not where.exists():
        return told
    return f"{told.rstrip('.')}. The tracebacks are in {FAILURES}, in the run's folder."


def _predictor(study: Study) -> str:
    rows = any(
        study.trials[name].candidate.family == "knn"
        for name in study.weights
        if name in study.trials
    )
    warning = "; its neighbours are training rows, which are in the file" if rows else ""
    return (
        f"{counted(len(study.weights), 'model')}, {FINISHES[study.finish]}{warning}"
        if study.weights
        else ""
    )


def _held_out(study: Study) -> str:
    plan = study.plan
    whole = {"groups": ", groups whole", "copies": ", copies of a row together"}.get(
        plan.together, ""
    )
    if plan.kind == "holdout":
        return f"one holdout{whole}" if plan.repeats == 1 else f"{plan.repeats} holdouts{whole}"
    order = {"time": " by time", "panel": " of later rows of other groups"}.get(plan.kind, "")
    repeats = f", drawn {plan.repeats} times" if plan.repeats > 1 else ""
    return f"{counted(plan.folds, 'fold')}{order}{repeats}{whole}"


def _time(timeline: Timeline, facts: Mapping[str, Any]) -> str:
    budget = facts.get("budget", {})
    if "trials" in budget:
        return (
            f"{duration(timeline.last)}, bounded by {counted(int(budget['trials']), 'candidate')}"
        )
    return duration(timeline.last) + (
        f" of {duration(_seconds(budget['time']))}" if "time" in budget else ""
    )


def _seconds(text: object) -> float:
    """The seconds of run.toml's `budget.time`, which is written as "600s"."""
    try:
        return float(str(text).removesuffix("s"))
    except ValueError:
        raise InputError(f"run.toml: budget.time is {text!r}, not seconds such as '600s'") from None


def _lines(study: Study, rows: list[Row]) -> list[Line]:
    complete = [
        row for row in rows if row["id"] == "ensemble" or study.complete(study.trials[row["id"]])
    ]
    decimals = places(complete[0]["score"] if complete else None)
    standing = {row["id"] for row in complete}
    return [_line(row, decimals, row["id"] in standing, bool(study.test)) for row in rows]


def _line(row: Row, decimals: int, standing: bool, is_tested: bool) -> Line:
    interval = (
        f"{number(row['ci_low'], decimals)} – {number(row['ci_high'], decimals)}"
        if row["ci_low"] is not None
        else ""
    )
    kind = "ensemble" if row["id"] == "ensemble" else "member" if row["weight"] else "plain"
    test = [Cell(number(row["test"], decimals), row["test"])] if is_tested else []
    cells = (
        Cell(str(row["rank"]), row["rank"]),
        Cell(visible(f"{row['family']} {row['recipe']}".strip(), LONGEST)),
        Cell(number(row["score"], decimals), row["score"]),
        Cell(interval, row["ci_low"]),
        *test,
        Cell(f"{row['weight']:.3f}" if row["weight"] else "", row["weight"]),
        Cell(f"{row['seconds']:.2f}", row["seconds"]),
        Cell(f"{row['size_mb']:.2f}", row["size_mb"]),
        Cell(visible(row["stage"], LONGEST)),
        Cell(row["id"], is_code=True),
        Cell(visible(row["status"], 300)),
    )
    return Line(cells, kind if standing else "out")


def _members(study: Study) -> list[Member]:
    chosen = members(study)
    if not chosen or study.task is None:
        return []
    metric = metric_of(study.task)
    decimals = places(metric.score(chosen[0][0].loss))
    return [
        Member(
            name=f"{visible(trial.candidate.family, LONGEST)} {visible(trial.candidate.recipe.name, LONGEST)}",
            id=trial.id,
            weight=f"{weight:.3f}",
            score=number(metric.score(trial.loss), decimals),
            seconds=f"{trial.seconds:.2f}",
            params=tuple(
                (visible(name, LONGEST), _param(value))
                for name, value in trial.candidate.params.items()
            ),
        )
        for trial, weight in chosen
    ]


def _param(value: object) -> str:
    return (
        f"{value:.6g}"
        if isinstance(value, float)
        else visible(json.dumps(value, ensure_ascii=False, default=str), LONGEST)
    )


def _origin(facts: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Where and how the run was made."""
    run, data = facts.get("run", {}), facts.get("data", {})
    pairs = [
        ("Run folder", str(folder)),
        ("Started", run.get("started", "")),
        ("Command", run.get("command", "")),
        ("Pipeline", facts.get("about", "")),
        ("Data", data.get("path", data.get("source", ""))),
        ("SHA-256 of the data", data.get("sha256", "")),
        ("Cores", grouped(run["jobs"]) if "jobs" in run else ""),
        ("Machine", run.get("machine", "")),
        ("Python", run.get("python", "")),
        ("Code", run.get("git", "")),
    ]
    return [(name, visible(value, 2000)) for name, value in pairs if value]


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """plotly.js as the installed plotly ships it (4.8 MB; it ships no smaller bundle). Found without importing plotly: 0.06 s."""
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        raise InputError("the report needs 'plotly': pip install plotly")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_text(
        encoding="utf-8"
    )
