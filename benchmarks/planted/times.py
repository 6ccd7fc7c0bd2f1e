"""Tables whose target or relation drifts; what comes later is the last part in time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _parts import (
    Card,
    Numbers,
    Split,
    add_noise,
    classes,
    dates,
    effects,
    gaps,
    one_of,
    shuffled,
    split,
    words,
    yes,
    z,
)
from numpy.random import Generator
from numpy.typing import NDArray


def _renovated(rng: Generator, built: NDArray[np.int64]) -> Numbers:
    """Draw years of renovation; NaN where there was none."""
    done = rng.random(len(built)) < 0.4
    year: Numbers = np.where(done, built + rng.integers(5, 60, len(built)), np.nan)
    return year


def flats(rng: Generator) -> Split:
    """Flats sold over five years, at prices that rise; rows from the newest to the oldest."""
    rows = int(rng.integers(1600, 2500))
    sold, target = (
        one_of(rng, "Notarised", "Closed", "Verkauft am"),
        one_of(rng, "Price", "EUR", "Kaufpreis"),
    )
    form = one_of(rng, "%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y")
    day = np.sort(rng.integers(0, 1826, rows)).astype(float)[::-1]
    area, built = rng.gamma(7, 11, rows) + 18, rng.integers(1890, 2016, rows)
    district = words(rng, [f"{number:05d}" for number in range(1067, 1080)], rows)
    energy = words(rng, list("ABCDEFG"), rows)
    rise = rng.uniform(0.10, 0.16) * day / 365 + 0.02 * np.sin(2 * np.pi * day / 365)
    level = 7.6 + 0.95 * np.log(area) + 0.0012 * (built - 1950) + effects(rng, district, 0.2)
    price = np.exp(level + effects(rng, energy, 0.05) + rise + rng.normal(0, 0.12, rows))
    frame = pd.DataFrame(
        {
            "Postcode": district,
            "m²": area.round(1),
            "Rooms": np.clip((area / 27 + rng.normal(0, 0.5, rows)).round(), 1, 7).astype(int),
            "Floor": rng.integers(0, 9, rows),
            "Balcony": words(rng, ["yes", "no"], rows),
            "Built": built,
            "Renovated": _renovated(rng, built),
            "Energy": energy,
            sold: dates("2018-01-01", day, form),
            "Agent": words(rng, ["Kern", "Immo24", "private", "Lotz & Co", "Sparkasse"], rows),
            "km to centre": rng.gamma(3, 1.6, rows).round(1),
            target: price.round(-2).astype(int),
        }
    )
    gaps(rng, frame, {"Energy": 0.15, "Floor": 0.05, "km to centre": 0.03})
    add_noise(rng, frame)
    later = day >= np.quantile(day, 0.78)
    option = ("--time", sold)
    card = Card("flats", "time", "regression", target, (sold,), option, "the latest sales")
    return split(frame, later, card)


def _turning(year: Numbers, speed: float, first: Numbers, second: Numbers) -> Numbers:
    """Let what matters turn slowly from one feature to another."""
    angle = speed * year
    turned: Numbers = np.cos(angle) * first + np.sin(angle) * second
    return turned


YEAR_AND_MONTH = (("Year", "Month"), ("Jahr", "Monat"), ("yr", "mth"))


def arrears(rng: Generator) -> Split:
    """Loans over seven years, the time as year and month; who fails changes with the years."""
    rows = int(rng.integers(3600, 5200))
    year_name, month_name = YEAR_AND_MONTH[int(rng.integers(3))]
    target = one_of(rng, "In arrears", "default?", "bad")
    first_year = int(rng.integers(2009, 2017))
    year, month = rng.integers(0, 7, rows), rng.integers(1, 13, rows)
    moment = year + (month - 1) / 12
    income, debt, age = (
        rng.lognormal(7.8, 0.45, rows),
        rng.lognormal(9.2, 0.8, rows),
        rng.integers(19, 78, rows),
    )
    channel = words(rng, ["branch", "broker", "online", "phone"], rows)
    speed = rng.uniform(0.8, 1.0)
    relation = _turning(moment, speed, z(np.log(income)), z(np.log(debt)))
    relation += _turning(moment, speed, z(age.astype(float)), (channel == "online") * 1.6 - 0.4)
    logit = -1.6 + 0.2 * moment + 1.5 * relation
    numbers = rng.choice(np.arange(10**6, 10**7), rows, replace=False)
    frame = pd.DataFrame(
        {
            "Loan": [f"L{number}" for number in numbers],
            month_name: month,
            year_name: first_year + year,
            "Net income": income.round(),
            "Debt": debt.round(-1),
            "Age": age,
            "Channel": channel,
            "Purpose": words(rng, ["car", "kitchen", "debt", "travel", "other"], rows),
            "Term (months)": rng.choice([12, 24, 36, 48, 60, 84], rows),
            "Region": words(rng, ["N", "NE", "S", "SW", "W", "Mid"], rows),
            "Householder": words(rng, ["owner", "tenant"], rows),
            "Dependants": rng.poisson(0.8, rows),
            target: yes(rng, logit, "1", "0"),
        }
    )
    gaps(rng, frame, {"Net income": 0.07, "Householder": 0.1})
    add_noise(rng, frame)
    frame = shuffled(rng, frame)
    later = (frame[year_name] == first_year + 6).to_numpy()
    right = (year_name, month_name)
    card = Card("arrears", "time", "binary", target, right, ("--time", year_name), "the last year")
    return split(frame, later, card)


GRADES = ("A", "B", "C", "scrap")


def _wander(rng: Generator, steps: int, memory: float, scale: float, columns: int) -> Numbers:
    """Walk at random around zero, forgetting over this many steps."""
    keep = np.exp(-1 / memory)
    walk = np.empty((steps, columns))
    walk[0] = rng.normal(0, scale, columns)
    for step in range(1, steps):
        walk[step] = keep * walk[step - 1] + rng.normal(0, scale * np.sqrt(1 - keep**2), columns)
    return walk


def coating(rng: Generator) -> Split:
    """Lots of a coating line, in order of a serial number; the line's state wanders."""
    rows = int(rng.integers(2400, 3600))
    serial, target = one_of(rng, "Lot", "Auftrag", "run no."), one_of(rng, "Grade", "quality class")
    numbers = int(rng.integers(20_000, 60_000)) + np.cumsum(rng.integers(1, 7, rows))
    state = _wander(rng, rows, memory=rng.uniform(70, 120), scale=1.3, columns=4)
    speed, temperature, film = (
        rng.normal(42, 5, rows),
        rng.normal(181, 4, rows),
        rng.gamma(30, 0.8, rows),
    )
    paint = words(rng, ["RAL 9010", "RAL 7016", "RAL 3020", "clear"], rows)
    signal = np.stack([1.3 * z(film), 0.5 * z(film), -1.2 * z(temperature), 1.4 * z(speed)], axis=1)
    extra = np.stack([effects(rng, paint, 0.4) for _ in GRADES], axis=1)
    frame = pd.DataFrame(
        {
            "Line speed": speed.round(1),
            "Oven °C": temperature.round(1),
            "Film µm": film.round(1),
            "Paint": paint,
            serial: numbers,
            "Humidity %": rng.normal(48, 9, rows).round(),
            "Crew": words(rng, ["red", "blue", "green"], rows),
            "Substrate": words(rng, ["steel", "alu", "zinc"], rows),
            "Thickness": rng.choice([0.6, 0.8, 1.0, 1.5, 2.0], rows),
            "Primer batch": words(rng, [f"PB{number}" for number in range(11, 31)], rows),
            target: classes(rng, state + signal + extra, GRADES),
        }
    )
    gaps(rng, frame, {"Humidity %": 0.1, "Primer batch": 0.04})
    add_noise(rng, frame)
    frame = shuffled(rng, frame)
    later = (frame[serial] > np.quantile(numbers, 0.75)).to_numpy()
    option = ("--time", serial)
    card = Card("coating", "time", "multiclass", target, (serial,), option, "the latest lots")
    return split(frame, later, card)
