"""Split real tables as they are used: later rows, new entities, or new distinct rows.

    python benchmarks/planted/real.py --data ../shared/data --out /tmp/planted/real

Each gets a folder with train.csv, test.csv and card.json, as the planted tables have.
Whether a random split flatters is not known beforehand; it is what a measurement shows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _parts import Card, Split, split
from numpy.random import Generator
from numpy.typing import NDArray

TEST_SHARE = 0.25


@dataclass(frozen=True)
class Later:
    """A table whose last part in time is the test.

    `form` is how dates are written, empty for numbers; `most` bounds the rows, drawn at random.
    """

    table: str
    column: str
    form: str
    also: tuple[str, ...] = ()
    most: int = 20_000

    @property
    def name(self) -> str:
        return self.table


@dataclass(frozen=True)
class Newcomers:
    """A table whose test holds entities that the training part doesn't.

    `key` tells entities apart; `option` is the column to group by, empty where no single one is.
    """

    table: str
    key: tuple[str, ...]
    option: str
    also: tuple[str, ...] = ()
    share_of_entities: float = 1.0
    suffix: str = ""

    @property
    def name(self) -> str:
        return self.table + self.suffix


@dataclass(frozen=True)
class Copies:
    """A table with many equal rows, whose test holds other rows than the training part."""

    table: str

    @property
    def name(self) -> str:
        return self.table


LATER = (
    Later("bike_sharing_hour", "dteday", "%Y-%m-%d", ("yr", "mnth", "season")),
    Later("melbourne_housing", "Date", "%d/%m/%Y"),
    Later("nyc_taxis", "pickup", "%Y-%m-%d %H:%M:%S", ("dropoff",)),
    Later("nyc_flights", "time_hour", "%Y-%m-%dT%H:%M:%SZ", ("month", "day"), most=12_000),
    Later("ozone_level_8hr", "Date", "%m/%d/%Y"),
    Later("imdb_movies", "year", "", most=12_000),
    Later("videogame_sales", "Year", ""),
)

PERSON = (
    "gender",
    "age",
    "maritalStatus",
    "has_children",
    "education",
    "occupation",
    "income",
    "cartype",
    "Bar",
    "CoffeeHouse",
    "CarryAway",
    "RestaurantLessThan20",
    "Restaurant20To50",
)
MANUFACTURER = "Applicable_Manufacturer_or_Applicable_GPO_Making_Payment_Name"

NEWCOMERS = (
    Newcomers("videogame_sales", ("Name",), "Name", suffix="_names"),
    Newcomers("eucalyptus", ("Locality",), "Locality", ("Map_Ref", "Latitude", "Altitude")),
    Newcomers("us_crime", ("state",), "state"),
    Newcomers("airfoil", ("Displ",), "Displ", ("Angle", "Length", "Vel")),
    Newcomers("open_payments", (MANUFACTURER,), MANUFACTURER, share_of_entities=0.2),
    Newcomers("in_vehicle_coupon", PERSON, ""),
)

COPIES = (
    Copies("kc1"),
    Copies("wine_quality_white"),
    Copies("phishing_websites"),
    Copies("mammography"),
)

Plan = Later | Newcomers | Copies


def _read(home: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a table as text, without the columns that its card drops."""
    card = json.loads((home / "card.json").read_text())
    frame = pd.read_csv(home / "data.csv.gz", dtype=str, keep_default_na=False)
    return frame.drop(columns=card["drop"]), card


def _moments(column: pd.Series[str], form: str) -> NDArray[np.float64]:
    """Read times as numbers; NaN where there is none."""
    if not form:
        return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    moments = pd.to_datetime(column, format=form, errors="coerce")
    days = (moments - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    return np.asarray(days, dtype=np.float64)


Known = dict[str, Any]


def _card(plan: Plan, kind: str, known: Known, columns: tuple[str, ...], note: str) -> Card:
    option: tuple[str, ...] = ()
    if isinstance(plan, Later):
        option = ("--time", plan.column)
    elif isinstance(plan, Newcomers) and plan.option:
        option = ("--group", plan.option)
    return Card(plan.name, kind, known["task"], known["target"], columns, option, note)


def later(rng: Generator, plan: Later, data: Path) -> Split:
    """Hold out the last quarter in time; rows without a time are left out."""
    frame, known = _read(data / plan.table)
    moment = _moments(frame[plan.column], plan.form)
    keep = np.flatnonzero(np.isfinite(moment))
    if len(keep) > plan.most:
        keep = np.sort(rng.choice(keep, size=plan.most, replace=False))
    frame, moment = frame.iloc[keep], moment[keep]
    held = moment > np.quantile(moment, 1 - TEST_SHARE)
    card = _card(plan, "time", known, (plan.column, *plan.also), "the last quarter in time")
    return split(frame, held, card)


def newcomers(rng: Generator, plan: Newcomers, data: Path) -> Split:
    """Hold out a quarter of the entities."""
    frame, known = _read(data / plan.table)
    entity = frame.groupby(list(plan.key), sort=False).ngroup().to_numpy()
    order = rng.permutation(entity.max() + 1)
    sample_rows = order[: round(len(order) * plan.share_of_entities)]
    keep = np.isin(entity, sample_rows)
    frame, entity = frame[keep], entity[keep]
    held = np.isin(entity, sample_rows[: round(len(sample_rows) * TEST_SHARE)])
    columns = tuple(dict.fromkeys((*plan.key, *plan.also)))
    return split(frame, held, _card(plan, "entities", known, columns, "new entities"))


def copies(rng: Generator, plan: Copies, data: Path) -> Split:
    """Hold out a quarter of the distinct feature vectors, one row each; copies stay in training."""
    frame, known = _read(data / plan.table)
    features = [name for name in frame if name != known["target"]]
    vector = frame.groupby(features, sort=False).ngroup().to_numpy()
    order = rng.permutation(vector.max() + 1)
    held = np.isin(vector, order[: round(len(order) * TEST_SHARE)])
    once = ~frame.duplicated().to_numpy() | ~held
    card = _card(plan, "duplicates", known, (), "rows that the training part doesn't hold")
    return split(frame[once], held[once], card)


def make(data: Path, seed: int) -> Iterator[Split]:
    """Make every split; none depends on the others."""
    plans: tuple[Plan, ...] = (*LATER, *NEWCOMERS, *COPIES)
    for place, plan in enumerate(plans):
        rng = np.random.default_rng([seed, place])
        if isinstance(plan, Later):
            yield later(rng, plan, data)
        elif isinstance(plan, Newcomers):
            yield newcomers(rng, plan, data)
        else:
            yield copies(rng, plan, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("/tmp/planted/real"))
    args = parser.parse_args()
    for made in make(args.data, args.seed):
        home = made.write(args.out)
        shape = f"{made.train.shape[0]} x {made.train.shape[1]}, test {len(made.test)}"
        print(f"{made.card.kind:10} {home}  {shape}  {' '.join(made.card.option)}")


if __name__ == "__main__":
    main()
