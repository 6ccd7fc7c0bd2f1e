"""Tables in which rows were copied by mistake; what comes later are new, distinct rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _parts import (
    Card,
    Numbers,
    Split,
    add_noise,
    classes,
    effects,
    gaps,
    one_of,
    shuffled,
    words,
    yes,
    z,
)
from numpy.random import Generator


def _card(name: str, task: str, target: str, note: str) -> Card:
    return Card(name, "duplicates", task, target, (), (), note)


def _enquiries(rng: Generator, rows: int, target: str) -> pd.DataFrame:
    """Draw distinct enquiries at a shop."""
    seconds, pages = rng.lognormal(4.6, 1.0, rows), rng.poisson(6, rows) + 1
    source = words(rng, ["ad", "search", "mail", "direct", "partner"], rows)
    basket, age = rng.gamma(2, 40, rows), rng.integers(16, 80, rows)
    device = words(rng, ["phone", "laptop", "tablet"], rows)
    logit = -0.5 + 0.6 * z(np.log(seconds)) + 0.4 * z(basket) + effects(rng, source, 0.5)
    logit += effects(rng, device, 0.3) - 0.3 * z(age.astype(float))
    frame = pd.DataFrame(
        {
            "source": source,
            "device": device,
            "seconds on site": seconds.round(1),
            "pages": pages,
            "basket": basket.round(2),
            "age": age,
            "hour": rng.integers(0, 24, rows),
            "newsletter": words(rng, ["Y", "N"], rows),
            "land": words(rng, ["DE", "AT", "CH", "NL"], rows),
            "coupon": words(rng, ["none", "WELCOME5", "SUMMER"], rows),
            target: yes(rng, logit, "bought", "left"),
        }
    )
    gaps(rng, frame, {"age": 0.1, "coupon": 0.06})
    add_noise(rng, frame)
    return frame


def enquiries(rng: Generator) -> Split:
    """Enquiries that a join has multiplied: more than half of the rows are copies."""
    target = one_of(rng, "outcome", "Result")
    known, new = int(rng.integers(650, 900)), int(rng.integers(450, 600))
    drawn = _enquiries(rng, known + new, target)
    train, test = drawn.iloc[:known], drawn.iloc[known:].reset_index(drop=True)
    times = np.minimum(rng.geometric(0.42, known), 8)
    train = shuffled(rng, train.loc[np.repeat(train.index, times)])
    return Split(train, test, _card("enquiries", "binary", target, "new enquiries"))


SOILS = ("sand", "loam", "clay", "peat", "chalk")


def _soils(rng: Generator, rows: int, target: str) -> pd.DataFrame:
    """Draw distinct samples of soil."""
    ph, carbon, density = (
        rng.normal(6.4, 0.8, rows),
        rng.gamma(2, 1.4, rows),
        rng.normal(1.35, 0.15, rows),
    )
    iron, slope = rng.lognormal(3, 0.6, rows), rng.gamma(2, 4, rows)
    land = words(rng, ["field", "meadow", "forest", "fallow"], rows)
    measured = np.stack([z(ph), z(np.log(carbon)), z(density), z(np.log(iron))], axis=1)
    logits = measured @ rng.normal(0, 0.8, (4, len(SOILS)))
    logits += np.stack([effects(rng, land, 0.3) for _ in SOILS], axis=1)
    frame = pd.DataFrame(
        {
            "pH": ph.round(2),
            "C org %": carbon.round(2),
            "Density": density.round(3),
            "Fe mg/kg": iron.round(1),
            "P": rng.gamma(3, 5, rows).round(1),
            "K": rng.gamma(4, 30, rows).round(),
            "Slope": slope.round(1),
            "Land use": land,
            "Lab": words(rng, ["Leipzig", "Kiel", "Jena"], rows),
            "Depth": rng.choice(["0-10", "10-30", "30-60"], rows),
            target: classes(rng, logits, SOILS),
        }
    )
    gaps(rng, frame, {"Slope": 0.12, "P": 0.05})
    add_noise(rng, frame)
    return frame


def soils(rng: Generator) -> Split:
    """Samples of soil, part of the file appended twice; a running number hides the copies."""
    target, running = one_of(rng, "Soil", "texture"), one_of(rng, "Unnamed: 0", "row", "lfd. Nr.")
    known, new = int(rng.integers(480, 700)), int(rng.integers(300, 400))
    drawn = _soils(rng, known + new, target)
    train, test = drawn.iloc[:known], drawn.iloc[known:].reset_index(drop=True)
    block = train.iloc[int(known * rng.uniform(0.2, 0.35)) :]
    train = pd.concat([train, block, block.iloc[: len(block) // 3]], ignore_index=True)
    train.insert(0, running, np.arange(len(train)))
    test.insert(0, running, np.arange(len(test)) + len(train))
    card = _card("soils", "multiclass", target, "new samples; the number goes on")
    return Split(train, test, card)


def _claims(rng: Generator, rows: int, target: str) -> pd.DataFrame:
    """Draw distinct claims of car owners."""
    age, power, value = (
        rng.integers(18, 85, rows),
        rng.gamma(9, 11, rows),
        rng.lognormal(9.4, 0.5, rows),
    )
    kind = words(rng, ["glass", "collision", "theft", "hail", "parking", "marten"], rows)
    garage = words(rng, ["free", "partner", "brand"], rows)
    level = 6.8 + 0.35 * z(np.log(value)) + 0.1 * z(power) + effects(rng, kind, 0.5)
    cost: Numbers = np.exp(level + effects(rng, garage, 0.12) + rng.normal(0, 0.45, rows))
    frame = pd.DataFrame(
        {
            "Driver's age": age,
            "kW": power.round(),
            "Car value": value.round(),
            "Kind": kind,
            "Garage": garage,
            "Class": rng.integers(1, 36, rows),
            "Excess": rng.choice([0, 150, 300, 500, 1000], rows),
            "km/year": rng.choice([6000, 9000, 12000, 15000, 20000, 30000], rows),
            "Federal state": words(rng, ["SN", "BY", "NW", "BE", "HH", "HE", "TH"], rows),
            "Leased": words(rng, ["no", "yes"], rows),
            "Parts wait (d)": rng.poisson(4, rows),
            target: cost.round(2),
        }
    )
    gaps(rng, frame, {"kW": 0.08, "Garage": 0.1})
    add_noise(rng, frame)
    return frame


def _other_export(frame: pd.DataFrame) -> pd.DataFrame:
    """Write whole numbers as another program does: 7.0 for 7."""
    written = frame.copy()
    for name in ("Driver's age", "Class", "Excess"):
        written[name] = [f"{value}.0" for value in frame[name]]
    return written


def claims(rng: Generator) -> Split:
    """Claims, some of them repeated many times by a second export that writes 7.0 for 7."""
    target = one_of(rng, "Cost", "paid EUR", "Aufwand")
    known, new = int(rng.integers(1300, 1900)), int(rng.integers(700, 900))
    drawn = _claims(rng, known + new, target)
    train, test = drawn.iloc[:known].astype(object), drawn.iloc[known:].reset_index(drop=True)
    chosen = rng.choice(known, size=round(known * rng.uniform(0.16, 0.22)), replace=False)
    copies = train.iloc[np.repeat(chosen, rng.integers(4, 10, len(chosen)))]
    train = shuffled(rng, pd.concat([train, _other_export(copies)]))
    return Split(train, test, _card("claims", "regression", target, "new claims"))
