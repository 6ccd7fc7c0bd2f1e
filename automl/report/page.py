"""The page: the texts and tables that its template shows, and the template filled with them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.errors import InputError
from automl.formatting import (
    decimal_places,
    format_count,
    format_duration,
    format_number,
    group_digits,
    join_words,
    predict_command,
    visible,
)
from automl.insight import Insight
from automl.leaderboard import Row, leaderboard
from automl.metrics import metric_of
from automl.models import holds_rows
from automl.report import lessons
from automl.report.architecture import describe_architecture
from automl.report.figures import draw_figures
from automl.report.lesson_figures import draw_lesson_figures
from automl.report.plotting import Figure
from automl.report.summary import (
    Expected,
    baseline_score,
    cost_text,
    expected,
    failures,
    score_on_test_text,
    test_score_warning,
    weighted_members,
)
from automl.run_files import FAILURES
from automl.store import run_facts
from automl.study import Study
from automl.timeline import Timeline, read_timeline

TEMPLATES = Path(__file__).resolve().parent / "templates"
MAX_TABLE_NAME_CHARACTERS = 120  # of a name in a table
MAX_STATUS_CHARACTERS = 300
MAX_ORIGIN_CHARACTERS = 2000  # of a fact about where and how the run was made
TABLE_HEADINGS = (
    "rank",
    "model",
    "score",
    "95% interval",
    "test",
    "weight",
    "seconds",
    "MB",
    "ms",
    "stage",
    "id",
    "status",
)
FINISHES = {
    "bag": "each a bag of its fold models",
    "refit": "refitted on all rows",
    "both": "each a bag of its fold models together with refits on all rows",
    "either": "each several refits on all rows, or a bag of its fold models where there are few",
}


@dataclass(frozen=True)
class Cell:
    """A table cell: its text, and the number by which its column is sorted."""

    text: str
    order: float | None = None
    is_code: bool = False


@dataclass(frozen=True)
class ReportLine:
    """A trial on the page's leaderboard."""

    cells: tuple[Cell, ...]
    kind: str  # "ensemble", "member", "plain" or "out": its style


@dataclass(frozen=True)
class ReportMember:
    """A trial of the predictor with its weight and hyperparameters."""

    name: str
    id: str
    weight: str
    score: str
    seconds: str
    params: tuple[tuple[str, str], ...]


def render_page(
    study: Study, folder: Path, insight: Insight | None = None, home: Path | None = None
) -> str:
    """Return the whole page as HTML.

    Parameters
    ----------
    study : Study
    folder : Path
        The run folder, from which times, facts and learning curves are read.
    insight : Insight, optional
        The trials' lessons, which become a chapter.
    home : Path, optional
        The path that the page shows for the folder; by default `folder`.
    """
    timeline = read_timeline(folder)
    drawn = draw_figures(study, timeline, folder)
    chapter = None
    if insight is not None:
        drawn += draw_lesson_figures(study, insight)
        chapter = _lessons(study, insight)
    content = _content(study, timeline, folder, home or folder)
    return _filled(
        "report.html",
        drawn,
        **content,
        lessons=chapter,
        architecture=describe_architecture(study),
    )


def render_figure_page(figure: Figure) -> str:
    """Return a page with one figure as HTML."""
    return _filled("figure.html", [figure], heading=figure.heading, name=figure.name)


def _filled(template: str, drawn: Sequence[Figure], **content: Any) -> str:
    """Fill a template with figures and texts."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    return environment.get_template(template).render(
        **content,
        figures={figure.name: figure for figure in drawn},
        drawings=[figure.to_json() for figure in drawn],
        style=Markup(_style(content)),  # these three are files of this package and of plotly's
        script=Markup(_asset("report.js")),
        plotly=Markup(_plotly()) if drawn else "",
    )


def _style(content: Mapping[str, Any]) -> str:
    """Return the style sheet, with that of the chapter on architectures where there is one."""
    style = _asset("report.css")
    if content.get("architecture"):
        style += _asset("architecture.css")
    return style


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Return plotly.js of the installed plotly: 4.8 MB, it ships no smaller bundle.

    It is found without importing plotly, which takes 0.06 s.
    """
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise InputError("the report needs 'plotly': pip install plotly")
    package = Path(spec.origin).parent
    script = package / "package_data" / "plotly.min.js"
    return script.read_text(encoding="utf-8")


def _content(study: Study, timeline: Timeline, folder: Path, home: Path) -> dict[str, Any]:
    """Return the template's variables."""
    facts = run_facts(folder)
    lines = _lines(study)
    score = expected(study)
    return {
        "title": _title(study),
        "state": _state(study),
        "expected": score,
        "headline": _headline(study, score),
        "summary": _summary(study, timeline, facts, folder),
        "command": predict_command(home) if study.task else "",
        "alarms": study.score_warnings,
        "findings": sorted(study.findings, key=lambda finding: finding.severity != "warning"),
        "headings": [name for name in TABLE_HEADINGS if name != "test" or study.test],
        "warning": test_score_warning(study),
        "tested": score_on_test_text(study),
        "lines": [line for line in lines if line.kind != "out"],
        "others": [line for line in lines if line.kind == "out"],
        "members": _members(study),
        "finish": FINISHES[study.finish],
        "spans": [
            (span.stage, format_duration(span.start), format_duration(span.seconds))
            for span in timeline.spans
        ],
        "origin": _origin(facts, home),
    }


def _lessons(study: Study, insight: Insight) -> dict[str, Any]:
    """Return texts and tables of the chapter on the search's lessons."""
    families = [
        {
            "name": visible(lesson.family, MAX_TABLE_NAME_CHARACTERS),
            "trials": format_count(lesson.trials, "trial"),
            "sentences": [
                lessons.tunability_sentence(lesson),
                lessons.stability_sentence(lesson.stability),
                lessons.safe_choice_sentence(lesson),
            ],
            "rows": lessons.range_rows(lesson),
            "advice": lessons.advice_sentences(lesson),
        }
        for lesson in insight.lessons
    ]
    return {
        "loss": lessons.loss_name(study),
        "story_headings": lessons.STORY_HEADINGS,
        "story": lessons.story_rows(insight.story),
        "more": "" if insight.more is None else lessons.more_time_sentence(insight.more),
        "families": families,
        "headings": lessons.RANGE_HEADINGS,
        "too_few": lessons.too_few_sentence(insight),
        "costs": lessons.cost_lines(insight.cost),
    }


def _title(study: Study) -> str:
    if study.task is None:
        return "A run without a task"
    return f"Predicting {visible(study.task.target, MAX_TABLE_NAME_CHARACTERS)}"


def _state(study: Study) -> str:
    """Return a caution for readers of a run that did not end by itself; else empty."""
    if study.finished == "interrupted":
        return "The run was interrupted; this page shows its results until then."
    if not study.finished:
        return "The run has not ended, or was killed; this page shows the results in its log."
    return ""


def _headline(study: Study, score: Expected | None) -> str:
    """Return the outcome in a sentence."""
    if study.task is None:
        return "The run ended before its table was understood."
    if score is None and study.ranked:
        return "No predictor was chosen yet."
    if score is None:
        return (
            "No model was tried on every fold, "
            "so the predictor gives the same prediction for every row."
        )
    better = "greater is better" if score.greater_is_better else "lower is better"
    rows = format_count(score.rows, "row") if score.rows else "rows"
    return f"Measured on {rows} that no fitted model had seen; {better}."


def _summary(
    study: Study, timeline: Timeline, facts: Mapping[str, Any], folder: Path
) -> list[tuple[str, str]]:
    """Return facts about the run as pairs of a name and a text."""
    pairs = [
        *_problem(study),
        ("Tried", _tried(study)),
        ("Failed", _failed(study, folder)),
        ("Predictor", _predictor(study)),
        ("Price", cost_text(study)),
        ("Time", _time(timeline, facts)),
        ("Seed", str(study.seed)),
    ]
    return [(name, text) for name, text in pairs if text]


def _problem(study: Study) -> list[tuple[str, str]]:
    """Return facts about task and table, as pairs of a name and a text."""
    if study.task is None:
        return []
    task: str = study.task.kind
    labels = study.task.labels
    if labels:
        task += f", {format_count(len(labels), 'class', 'classes')}: {join_words(labels)}"
    rows = format_count(study.size.rows, "row")
    columns = format_count(study.size.columns, "feature column")
    pairs = [
        ("Task", task),
        ("Metric", f"{study.task.metric}: {metric_of(study.task).about}"),
        ("Table", f"{rows}, {columns}"),
        ("Held out", _held_out(study)),
    ]
    constant = baseline_score(study)
    if constant is not None:
        score = format_number(constant, decimal_places(constant))
        pairs.append(("Without learning", f"{score}, the same prediction for every row"))
    return pairs


def _held_out(study: Study) -> str:
    plan = study.plan
    wholes = {"groups": ", groups whole", "copies": ", copies of a row together"}
    whole = wholes.get(plan.together, "")
    if plan.kind == "holdout":
        holdouts = "one holdout" if plan.repeats == 1 else f"{plan.repeats} holdouts"
        return f"{holdouts}{whole}"
    orders = {"time": " by time", "panel": " of later rows of other groups"}
    order = orders.get(plan.kind, "")
    repeats = f", drawn {plan.repeats} times" if plan.repeats > 1 else ""
    return f"{format_count(plan.folds, 'fold')}{order}{repeats}{whole}"


def _tried(study: Study) -> str:
    """Return how many candidates there were, and how they ended."""
    if not study.trials:
        return ""
    decisions = [trial.decided for trial in study.trials.values()]
    counts = {
        "complete": len(study.ranked),
        "dropped": decisions.count("dropped"),
        "failed": decisions.count("failed"),
    }
    counts["unfinished"] = len(decisions) - sum(counts.values())
    ends = ", ".join(f"{count} {end}" for end, count in counts.items() if count > 0)
    return f"{format_count(len(decisions), 'candidate')}: {ends}"


def _failed(study: Study, folder: Path) -> str:
    """Return which candidates failed and why, and where their tracebacks are."""
    text = failures(study)
    path = folder / FAILURES
    if not text or not path.exists():
        return text
    return f"{text.rstrip('.')}. The tracebacks are in {FAILURES}, in the run's folder."


def _predictor(study: Study) -> str:
    if not study.weights:
        return ""
    text = f"{format_count(len(study.weights), 'model')}, {FINISHES[study.finish]}"
    families = [trial.candidate.family for trial, _ in weighted_members(study)]
    if any(holds_rows(name, study.extensions) for name in families):
        text += "; the file may hold rows of the training table"
    return text


def _time(timeline: Timeline, facts: Mapping[str, Any]) -> str:
    budget = facts.get("budget", {})
    text = format_duration(timeline.last)
    if "trials" in budget:
        candidates = format_count(int(budget["trials"]), "candidate")
        return f"{text}, bounded by {candidates}"
    if "time" in budget:
        limit = _seconds(budget["time"])
        return f"{text} of {format_duration(limit)}"
    return text


def _seconds(text: object) -> float:
    """Return the seconds of run.toml's `budget.time`, which is written as "600s"."""
    try:
        return float(str(text).removesuffix("s"))
    except ValueError:
        raise InputError(f"run.toml: budget.time is {text!r}, not seconds such as '600s'") from None


def _lines(study: Study) -> list[ReportLine]:
    """Return the page's leaderboard; lines of trials without a score on all folds are "out"."""
    rows = leaderboard(study)
    complete = {trial.id for trial in study.ranked} | {"ensemble"}
    scores = [row["score"] for row in rows if row["id"] in complete]
    decimals = decimal_places(scores[0] if scores else None)
    lines = []
    for row in rows:
        cells = _cells(row, decimals, bool(study.test))
        kind = _kind(row) if row["id"] in complete else "out"
        lines.append(ReportLine(cells, kind))
    return lines


def _kind(row: Row) -> str:
    if row["id"] == "ensemble":
        return "ensemble"
    return "member" if row["weight"] else "plain"


def _cells(row: Row, decimals: int, has_test: bool) -> tuple[Cell, ...]:
    """Return the cells under `TABLE_HEADINGS`; "test" only if there is a test."""
    model = f"{row['family']} {row['recipe']}".strip()
    interval = ""
    if row["ci_low"] is not None:
        low = format_number(row["ci_low"], decimals)
        high = format_number(row["ci_high"], decimals)
        interval = f"{low} – {high}"
    weight = f"{row['weight']:.3f}" if row["weight"] else ""
    cells = [
        Cell(str(row["rank"]), row["rank"]),
        Cell(visible(model, MAX_TABLE_NAME_CHARACTERS)),
        Cell(format_number(row["score"], decimals), row["score"]),
        Cell(interval, row["ci_low"]),
        Cell(format_number(row["test"], decimals), row["test"]),
        Cell(weight, row["weight"]),
        Cell(f"{row['seconds']:.2f}", row["seconds"]),
        Cell(f"{row['size_mb']:.2f}", row["size_mb"]),
        Cell(format_number(row["row_ms"], 1), row["row_ms"]),
        Cell(visible(row["stage"], MAX_TABLE_NAME_CHARACTERS)),
        Cell(row["id"], is_code=True),
        Cell(visible(row["status"], MAX_STATUS_CHARACTERS)),
    ]
    if not has_test:
        del cells[TABLE_HEADINGS.index("test")]
    return tuple(cells)


def _members(study: Study) -> list[ReportMember]:
    weighted = weighted_members(study)
    if not weighted or study.task is None:
        return []
    metric = metric_of(study.task)
    heaviest, _ = weighted[0]
    decimals = decimal_places(metric.score(heaviest.loss))
    rows = []
    for trial, weight in weighted:
        candidate = trial.candidate
        family = visible(candidate.family, MAX_TABLE_NAME_CHARACTERS)
        recipe = visible(candidate.recipe.name, MAX_TABLE_NAME_CHARACTERS)
        member = ReportMember(
            name=f"{family} {recipe}",
            id=trial.id,
            weight=f"{weight:.3f}",
            score=format_number(metric.score(trial.loss), decimals),
            seconds=f"{trial.seconds:.2f}",
            params=tuple(
                (visible(name, MAX_TABLE_NAME_CHARACTERS), _param(value))
                for name, value in candidate.params.items()
            ),
        )
        rows.append(member)
    return rows


def _param(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return visible(text, MAX_TABLE_NAME_CHARACTERS)


def _origin(facts: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Return where and how the run was made, as pairs of a name and a text."""
    run = facts.get("run", {})
    data = facts.get("data", {})
    pairs = [
        ("Run folder", str(folder)),
        ("Started", run.get("started", "")),
        ("Command", run.get("command", "")),
        ("Pipeline", facts.get("about", "")),
        ("Data", data.get("path", data.get("source", ""))),
        ("SHA-256 of the data", data.get("sha256", "")),
        ("Cores", group_digits(run["jobs"]) if "jobs" in run else ""),
        ("Machine", run.get("machine", "")),
        ("Python", run.get("python", "")),
        ("Code", run.get("git", "")),
    ]
    return [(name, visible(text, MAX_ORIGIN_CHARACTERS)) for name, text in pairs if text]
