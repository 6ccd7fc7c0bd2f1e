"""Write a run folder's `report.html`: one self-contained page, readable without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl.budget import Budget, measure_crowding
from automl.files import write_text
from automl.run_files import REPORT
from automl.study import Study

if TYPE_CHECKING:
    from automl.insight import Insight


def write_report(
    study: Study,
    folder: Path,
    insight: Insight | None = None,
    home: Path | None = None,
) -> None:
    """Write `report.html` into a run folder, whole or not at all.

    `write_report(replay(folder), folder)` writes the same page again.

    Parameters
    ----------
    study : Study
        At any point of a run: where there is no task, complete trial or weights yet, the page
        says so.
    folder : Path
        The run folder. Times are read from `events.jsonl`, facts from `run.toml`, and learning
        curves from `trials/`.
    insight : Insight, optional
        The trials' lessons, which become a chapter.
    home : Path, optional
        The folder's final path, if it will be moved, which the page then shows.

    Raises
    ------
    InputError
        The folder is not a run folder, or its files are damaged.
    """
    from automl.report.page import render_page

    write_text(folder / REPORT, render_page(study, folder, insight, home))


class Reporter:
    """Write the report when `run.fit` finishes, with the search's lessons if time allows.

    Parameters
    ----------
    budget : Budget
        The run's; if too little of it remains, the chapter on the search's lessons is left out.
    home : Path, optional
        The folder's final path, if it will be moved.

    Attributes
    ----------
    NEEDED : tuple of str
        Modules that the call imports.
    """

    NEEDED = ("automl.report.page", "jinja2")

    def __init__(self, budget: Budget, home: Path | None = None) -> None:
        self._budget = budget
        self._home = home

    def __call__(self, study: Study, folder: Path) -> None:
        """Write the page without the chapter first, so that there is one in any case."""
        from automl.insight import learn_from, seconds_to_learn
        from automl.timeline import read_timeline

        write_report(study, folder, home=self._home)
        if not study.ranked:
            return
        needed = measure_crowding() * seconds_to_learn(study)
        if self._budget.remaining() > needed:
            insight = learn_from(study, read_timeline(folder))
            write_report(study, folder, insight, self._home)
