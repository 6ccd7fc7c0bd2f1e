"""Parts of the planted tables: cards, splits, and columns as people write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Words = NDArray[np.str_]

REMARKS = (
    "call",
    "back",
    "ok",
    "later",
    "asked",
    "again",
    "paper",
    "missing",
    "new",
    "old",
    "form",
    "sent",
)
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


@dataclass(frozen=True)
class Card:
    """The facts about a table.

    Attributes
    ----------
    kind
        Its fault: entities, time, duplicates or leak.
    columns
        The columns that a warning should name, one or several of them.
    option
        The words of `automl fit` that answer the fault; none where the default must do.
    """

    name: str
    kind: str
    task: str
    target: str
    columns: tuple[str, ...]
    option: tuple[str, ...]
    note: str
    rows: int = 0
    test_rows: int = 0

    @property
    def metric(self) -> str:
        return METRICS[self.task]


@dataclass(frozen=True)
class Split:
    """A table as it is known at fit, and the rows that come later."""

    train: pd.DataFrame
    test: pd.DataFrame
    card: Card

    def write(self, folder: Path) -> Path:
        """Write train.csv, test.csv and card.json into a folder of the table's name."""
        home = folder / self.card.name
        home.mkdir(parents=True, exist_ok=True)
        self.train.to_csv(home / "train.csv", index=False)
        self.test.to_csv(home / "test.csv", index=False)
        card = replace(self.card, rows=len(self.train), test_rows=len(self.test))
        words = asdict(card) | {"metric": card.metric}
        (home / "card.json").write_text(json.dumps(words, indent=1) + "\n")
        return home


def split(frame: pd.DataFrame, later: NDArray[np.bool_], card: Card) -> Split:
    """Split a table into what is known and what comes later."""
    train = frame[~later].reset_index(drop=True)
    test = frame[later].reset_index(drop=True)
    return Split(train, test, card)


def split_entities(rng: Generator, frame: pd.DataFrame, share: float, card: Card) -> Split:
    """Split so that a share of the entities, by the card's first column, is new in the test."""
    key = card.columns[0]
    keys = np.sort(np.asarray(frame[key].unique()))
    held = rng.choice(keys, size=round(share * len(keys)), replace=False)
    return split(frame, frame[key].isin(held).to_numpy(), card)


def one_of(rng: Generator, *names: str) -> str:
    """Choose one spelling of a header or a label."""
    return names[int(rng.integers(len(names)))]


def words(rng: Generator, choices: Sequence[str], rows: int, spread: float = 3.0) -> Words:
    """Draw categories with unequal frequencies."""
    return rng.choice(list(choices), size=rows, p=rng.dirichlet([spread] * len(choices)))


def effects(rng: Generator, column: Words, scale: float) -> Numbers:
    """Give every category an effect of its own."""
    labels, codes = np.unique(column, return_inverse=True)
    effect: Numbers = rng.normal(0, scale, len(labels))[codes]
    return effect


def z(values: Numbers) -> Numbers:
    """Standardise."""
    standard: Numbers = (values - values.mean()) / values.std()
    return standard


def yes(rng: Generator, logit: Numbers, positive: str, negative: str) -> Words:
    """Draw a label of two by its log-odds."""
    return np.where(rng.random(len(logit)) < 1 / (1 + np.exp(-logit)), positive, negative)


def classes(rng: Generator, logits: Numbers, labels: Sequence[str]) -> Words:
    """Draw a label by log-odds of shape (n_rows, n_classes): Gumbel's trick."""
    return np.asarray(labels)[np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)]


def dates(start: str, days: Numbers, form: str) -> pd.Series[str]:
    """Write dates a number of days after a start."""
    moments = pd.Timestamp(start) + pd.to_timedelta(days.astype(int), unit="D")
    return pd.Series(moments).dt.strftime(form)


def gaps(rng: Generator, frame: pd.DataFrame, shares: dict[str, float]) -> None:
    """Empty a share of the cells of some columns, in place."""
    for name, share in shares.items():
        frame[name] = frame[name].astype(object).where(rng.random(len(frame)) >= share, None)


def _noise(rng: Generator, rows: int) -> dict[str, object]:
    """Draw columns that say nothing about anything, as most tables have some."""
    moment = dates("2015-03-01", rng.integers(0, 3000, rows).astype(float), "%Y-%m-%d")
    text = [" ".join(rng.choice(REMARKS, int(count))) for count in rng.integers(1, 6, rows)]
    seldom = np.where(rng.random(rows) < 0.07, "see file", None)
    return {
        "Remark": np.where(rng.random(rows) < 0.6, text, None),
        "Entered by": words(rng, ["kl", "rw", "import", "ab", "zz"], rows),
        "checked": words(rng, ["TRUE", "FALSE"], rows),
        "Last contact": moment,
        "Version": np.full(rows, "2.1"),
        "Attachment": seldom,
        "x1": rng.normal(0, 1, rows).round(4),
        "Index 2015": rng.gamma(50, 2, rows).round(1),
        "Batch": rng.integers(1, 41, rows),
        "Survey": rng.choice([1, 2, 3, 4, 5], rows),
        "Discount %": rng.choice([0.0, 2.5, 5.0, 10.0], rows, p=[0.7, 0.1, 0.1, 0.1]),
        "Reference": [f"{number:08x}" for number in rng.integers(0, 2**32, rows)],
    }


def add_noise(rng: Generator, frame: pd.DataFrame, most: int = 10) -> None:
    """Insert some columns of noise before the last column, in place."""
    noise = _noise(rng, len(frame))
    chosen = rng.permutation(list(noise))[: int(rng.integers(0, most + 1))]
    for name in chosen:
        frame.insert(int(rng.integers(len(frame.columns))), str(name), noise[str(name)])


def shuffled(rng: Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Put the rows into a random order."""
    return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
