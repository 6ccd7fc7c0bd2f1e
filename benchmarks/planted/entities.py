"""Tables whose rows belong to entities; what comes later are rows of new entities."""

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
    split_entities,
    words,
    yes,
    z,
)
from numpy.random import Generator
from numpy.typing import NDArray


def _repeat(rng: Generator, entities: int, low: int, high: int) -> NDArray[np.int64]:
    """Number each row's entity; every entity has low to high rows."""
    return np.repeat(np.arange(entities), rng.integers(low, high + 1, entities))


def clinic(rng: Generator) -> Split:
    """Visits of patients: who comes back is a matter of the patient more than of the visit."""
    patients = int(rng.integers(220, 330))
    who = _repeat(rng, patients, 2, 14)
    rows = len(who)
    key, target = (
        one_of(rng, "MRN", "Patient", "case holder"),
        one_of(rng, "Readmitted", "return <30d"),
    )
    smoker = words(rng, ["never", "former", "current"], patients)
    height, weight = rng.normal(171, 9, patients), rng.normal(79, 14, patients)
    sugar, pressure = rng.gamma(20, 0.32, patients), rng.normal(133, 14, patients)
    frailty = rng.normal(0, rng.uniform(1.9, 2.5), patients)
    crp = rng.lognormal(1.2, 0.9, rows)
    ward = words(rng, ["A2", "A3", "B1", "day unit", "ICU"], rows)
    logit = -0.6 + 0.7 * z(sugar)[who] + effects(rng, smoker, 0.5)[who] + frailty[who]
    logit += 0.5 * z(np.log(crp)) + effects(rng, ward, 0.3)
    numbers = rng.choice(np.arange(10_000, 99_999), patients, replace=False)
    frame = pd.DataFrame(
        {
            "Visit": dates("2021-02-01", rng.integers(0, 700, rows).astype(float), "%Y-%m-%d"),
            key: np.array([f"P-{number:06d}" for number in numbers])[who],
            "Ward": ward,
            "Sex": words(rng, ["f", "m"], patients, 20)[who],
            "Year of birth": rng.integers(1931, 2003, patients)[who],
            "Smoker": smoker[who],
            "Height (cm)": height.round()[who],
            "Weight (kg)": (weight[who] + rng.normal(0, 1.2, rows)).round(1),
            "RR sys": (pressure[who] + rng.normal(0, 7, rows)).round(),
            "HbA1c": (sugar[who] + rng.normal(0, 0.25, rows)).round(1),
            "CRP": crp.round(1),
            "Insurance": words(rng, ["public", "private", "self"], patients)[who],
            "Booked by": words(rng, ["phone", "web", "GP", "transfer"], rows),
            target: yes(rng, logit, "yes", "no"),
        }
    )
    gaps(rng, frame, {"CRP": 0.12, "HbA1c": 0.05, "Insurance": 0.03, "Smoker": 0.04})
    add_noise(rng, frame)
    frame = frame.sort_values("Visit", kind="stable")
    card = Card("clinic", "entities", "binary", target, (key,), ("--group", key), "new patients")
    return split_entities(rng, frame, 0.28, card)


def _host_keys(rng: Generator, hosts: int) -> NDArray[np.int64]:
    """Draw whole numbers that tell hosts apart and say nothing by their order."""
    return rng.permutation(np.arange(hosts) * 37 + 102_000)


NIGHTS = (1, 2, 3, 5, 7, 28)
NIGHT_SHARES = (0.4, 0.25, 0.15, 0.1, 0.05, 0.05)


def listings(rng: Generator) -> Split:
    """Rooms of hosts: a host's rooms lie together and cost alike. `id` is a red herring."""
    hosts = int(rng.integers(380, 560))
    who = np.repeat(np.arange(hosts), np.minimum(rng.geometric(0.2, hosts), 14))
    rows = len(who)
    key, target = (
        one_of(rng, "host_ref", "Vermieter", "managed by"),
        one_of(rng, "price per night", "rate"),
    )
    quarter = words(rng, ["Altstadt", "Neustadt", "Hafen", "West", "Löbtau", "Pieschen"], hosts)
    north, east = rng.normal(51.05, 0.03, hosts), rng.normal(13.74, 0.05, hosts)
    class_of = rng.normal(0, rng.uniform(0.3, 0.4), hosts)
    beds, sleeps = rng.integers(1, 5, rows), rng.integers(1, 9, rows)
    kind = words(rng, ["entire flat", "private room", "shared room"], rows)
    level = 4.0 + 0.11 * sleeps + 0.06 * beds + effects(rng, kind, 0.3)
    level += effects(rng, quarter, 0.15)[who]
    price = np.exp(level + class_of[who] + rng.normal(0, 0.13, rows))
    numbers = rng.choice(np.arange(1_000_000, 9_000_000), rows, replace=False)
    keys = _host_keys(rng, hosts)
    joined = dates("2010-01-01", rng.integers(0, 4200, hosts).astype(float), "%d.%m.%Y")
    replies = words(rng, ["an hour", "a few hours", "a day", "days or more"], hosts)
    frame = pd.DataFrame(
        {
            "id": numbers,
            key: keys[who],
            "host since": joined.to_numpy()[who],
            "answers in": replies[who],
            "quarter": quarter[who],
            "lat": (north[who] + rng.normal(0, 0.001, rows)).round(5),
            "lon": (east[who] + rng.normal(0, 0.001, rows)).round(5),
            "type": kind,
            "sleeps": sleeps,
            "beds": beds,
            "bath": rng.integers(1, 4, rows) / 2,
            "reviews": rng.negative_binomial(1, 0.03, rows),
            "stars": np.clip(4.6 + 0.2 * class_of[who] + rng.normal(0, 0.25, rows), 1, 5).round(2),
            "min. nights": rng.choice(NIGHTS, rows, p=NIGHT_SHARES),
            target: price.round(),
        }
    )
    gaps(rng, frame, {"stars": 0.18, "bath": 0.04, "answers in": 0.1})
    add_noise(rng, frame)
    card = Card("listings", "entities", "regression", target, (key,), ("--group", key), "new hosts")
    return split_entities(rng, frame, 0.27, card)


FAULTS = ("none", "electrical", "hydraulic", "brakes")


def _odometer(rng: Generator, who: NDArray[np.int64]) -> Numbers:
    """Draw kilometres that a vehicle keeps near its own level."""
    start = rng.uniform(2e4, 6e5, who.max() + 1)
    read: Numbers = start[who] + rng.uniform(0, 6e4, len(who))
    return read


def fleet(rng: Generator) -> Split:
    """Inspections of vehicles, told apart by depot and number together; new depots come later."""
    depots = int(rng.integers(34, 46))
    depot_of = _repeat(rng, depots, 5, 9)
    units = len(depot_of)
    who = _repeat(rng, units, 5, 13)
    rows = len(who)
    depot, unit = one_of(rng, "Depot", "site", "Betriebshof"), one_of(rng, "No.", "unit", "Wagen")
    target = one_of(rng, "Finding", "fault", "Befund")
    number = np.concatenate([np.arange(1, count + 1) for count in np.bincount(depot_of)])
    habit = rng.normal(0, rng.uniform(1.1, 1.4), (units, 4))
    habit += rng.normal(0, 0.4, (depots, 4))[depot_of]
    vibration, oil = rng.gamma(4, 0.6, units), rng.normal(88, 6, units)
    shaking, heat = vibration[who] + rng.gamma(2, 0.25, rows), oil[who] + rng.normal(0, 2, rows)
    signal = np.stack([np.zeros(rows), -0.8 * z(heat), 1.5 * z(heat), 1.6 * z(shaking)], axis=1)
    logits = habit[who] + signal + np.array([1.0, 0.2, 0.0, 0.0])
    towns = np.array(
        [
            f"{stem}{end}"
            for stem in ("Nord", "Ost", "Ried", "Kalk", "Lind", "Wald")
            for end in (
                "au",
                "berg",
                "feld",
                "hof",
                "see",
                "tal",
                "heim",
                "ingen",
                "brück",
                "stedt",
            )
        ]
    )
    frame = pd.DataFrame(
        {
            depot: rng.permutation(towns)[:depots][depot_of][who],
            unit: number[who],
            "Make": words(rng, ["MAN", "Solaris", "Mercedes", "VDL"], units)[who],
            "Built": rng.integers(2004, 2022, units)[who],
            "Engine (ccm)": rng.choice([6700, 7698, 9291, 10837], units)[who],
            "km": _odometer(rng, who).round(-2).astype(int),
            "Vibration": shaking.round(2),
            "Oil temp": heat.round(1),
            "Pressure bar": rng.normal(8.1, 0.4, rows).round(2),
            "Inspector": words(rng, ["Ay", "Bm", "Ck", "Dr", "Eh", "Fs", "Gl"], rows),
            "Shift": words(rng, ["early", "late", "night"], rows),
            "Outside °C": rng.normal(11, 8, rows).round(),
            target: classes(rng, logits, FAULTS),
        }
    )
    gaps(rng, frame, {"Pressure bar": 0.06, "Inspector": 0.05, "Outside °C": 0.2})
    add_noise(rng, frame)
    frame = shuffled(rng, frame)
    note = "new depots; a vehicle is depot and number together"
    card = Card("fleet", "entities", "multiclass", target, (depot, unit), ("--group", depot), note)
    return split_entities(rng, frame, 0.27, card)
