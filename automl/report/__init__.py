"""Run folder to HTML: one self-contained page that tells what was found, tried and chosen, readable without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl.budget import Budget, crowding
from automl.files import write_text
from automl.trial import Study

if TYPE_CHECKING:
    from automl.insight import Insight

NAME = "report.html"


def write_report(
    study: Study, folder: Path, insight: Insight | None = None, home: Path | None = None
) -> None:
    """Write `report.html` into a run folder, whole or not at all.

    The same page is made again by `write_report(replay(folder), folder)`.

    Parameters
    ----------
    study : Study
        At any point of a run: a page without a task, a complete trial or weights says so.
    folder : Path
        The run folder. `events.jsonl` is read for times, `run.toml` for facts, `trials/` for learning curves.
    insight : Insight, optional
        What the run teaches: becomes a chapter.
    home : Path, optional
        Where the folder will lie, and what the page therefore calls it; by default where it lies.

    Raises
    ------
    InputError
        The folder is not a run folder, or what lies in it is damaged.
    """
    from automl.report.page import page

    write_text(folder / NAME, page(study, folder, insight, home))


class Reporter:
    """A finisher of `run.fit` that writes the report, and, where the run's budget leaves the time, what the search teaches, too.

    Attributes
    ----------
    NEEDED : tuple of str
        The modules that it imports when it is called.
    """

    NEEDED = ("automl.report.page", "jinja2")

    def __init__(self, budget: Budget, home: Path | None = None) -> None:
        self._budget = budget
        self._home = home  # where the folder will lie, if that is elsewhere

    def __call__(self, study: Study, folder: Path) -> None:
        """Write the page without the chapter first: it is there whatever comes."""
        from automl.insight import learn_from, seconds_to_learn
        from automl.timeline import read

        write_report(study, folder, home=self._home)
        if study.ranked and self._budget.remaining() > crowding() * seconds_to_learn(study):
            write_report(study, folder, learn_from(study, read(folder)), self._home)
