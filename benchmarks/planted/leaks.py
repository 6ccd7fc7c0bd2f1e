"""Tables with a column that is filled in after the fact; what comes later doesn't know it yet."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _parts import Card, Split, add_noise, classes, effects, gaps, one_of, split, words, yes, z
from numpy.random import Generator
from numpy.typing import NDArray


def _later(rng: Generator, rows: int, share: float = 0.25) -> NDArray[np.bool_]:
    """Choose the rows that come later."""
    return rng.random(rows) < share


def _card(name: str, task: str, target: str, column: str, note: str) -> Card:
    return Card(name, "leak", task, target, (column,), ("--ignore", column), note)


def telecom(rng: Generator) -> Split:
    """Who leaves; the line's state says it in other words. Later lines are all active."""
    rows = int(rng.integers(2000, 3800))
    state, target = (
        one_of(rng, "Line state", "acct_status", "Vertrag"),
        one_of(rng, "Churn", "left us"),
    )
    months, fee, calls = rng.gamma(2, 14, rows), rng.normal(34, 12, rows), rng.poisson(1.4, rows)
    plan = words(rng, ["S", "M", "L", "XL", "Flex"], rows)
    pays = words(rng, ["debit", "card", "invoice"], rows)
    logit = -1.2 - 0.8 * z(np.log1p(months)) + 0.4 * z(fee) + 0.5 * calls - 0.6
    logit += effects(rng, plan, 0.4) + effects(rng, pays, 0.3)
    churn = yes(rng, logit, "Yes", "No")
    written = np.where(churn == "Yes", "closed", "active")
    frame = pd.DataFrame(
        {
            "Plan": plan,
            "Months": months.round(),
            "Fee": fee.round(2),
            "Hotline calls": calls,
            state: np.where(rng.random(rows) < 0.04, "suspended", written),
            "Pays by": pays,
            "GB used": rng.lognormal(1.8, 0.9, rows).round(2),
            "Minutes": rng.gamma(2, 90, rows).round(),
            "Roaming": words(rng, ["none", "EU", "world"], rows),
            "Second SIM": words(rng, ["0", "1"], rows),
            "Town": words(rng, ["Bonn", "Kiel", "Ulm", "Trier", "Gera", "Celle", "Worms"], rows),
            "Device": words(rng, ["own", "subsidised"], rows),
            target: churn,
        }
    )
    gaps(rng, frame, {"GB used": 0.05, "Town": 0.02, "Fee": 0.03})
    add_noise(rng, frame)
    later = _later(rng, rows)
    frame.loc[later, state] = "active"
    note = "later lines are all active when they are asked about"
    return split(frame, later, _card("telecom", "binary", target, state, note))


VERDICTS = ("granted", "refused", "withdrawn")


def permits(rng: Generator) -> Split:
    """Verdicts on applications; a section of law is written down only where one is refused."""
    rows = int(rng.integers(600, 2200))
    section = one_of(rng, "Section", "§", "legal basis")
    target = one_of(rng, "Verdict", "decision")
    size, storeys, days = (
        rng.lognormal(5, 0.7, rows),
        rng.integers(1, 7, rows),
        rng.gamma(3, 20, rows),
    )
    zone = words(rng, ["WA", "WR", "MI", "GE", "SO"], rows)
    kind = words(rng, ["new", "extension", "change of use", "demolition"], rows)
    measured = (-0.9 * z(np.log(size)), 1.0 * z(storeys.astype(float)), 0.9 * z(days))
    named = [effects(rng, zone, 0.5) + effects(rng, kind, 0.4) for _ in VERDICTS]
    signal = np.stack(measured, axis=1) + np.stack(named, axis=1)
    verdict = classes(rng, signal + np.array([0.9, 0.2, -0.3]), VERDICTS)
    clause = words(rng, ["34 (1)", "35 (2)", "30", "31 (2)", "15"], rows)
    known = (verdict == "refused") & (rng.random(rows) < 0.94)
    frame = pd.DataFrame(
        {
            "District": words(rng, ["I", "II", "III", "IV", "V", "VI"], rows),
            "Kind": kind,
            "Zone": zone,
            "Floor area": size.round(1),
            "Storeys": storeys,
            "Days open": days.round(),
            "Architect": words(rng, [f"office {number}" for number in range(1, 26)], rows),
            "Listed": words(rng, ["no", "yes"], rows),
            "Neighbours heard": rng.poisson(1.1, rows),
            "Fee": (size * 1.7 + rng.normal(0, 40, rows)).round(2),
            section: np.where(known, clause, None),
            "Clerk": words(rng, ["hb", "mk", "os", "tw"], rows),
            target: verdict,
        }
    )
    gaps(rng, frame, {"Architect": 0.08, "Neighbours heard": 0.05})
    add_noise(rng, frame)
    later = _later(rng, rows)
    frame.loc[later, section] = None
    note = "the section is empty as long as there is no verdict"
    return split(frame, later, _card("permits", "multiclass", target, section, note))


def repairs(rng: Generator) -> Split:
    """Predict the final cost of a repair.

    The sum paid so far is close to it; in later rows it is a random deposit.
    """
    rows = int(rng.integers(1200, 5000))
    paid, target = (
        one_of(rng, "Paid so far", "received", "Zahlungen"),
        one_of(rng, "Final cost", "total_net"),
    )
    area, age, crew = rng.gamma(3, 25, rows), rng.integers(0, 110, rows), rng.integers(1, 6, rows)
    trade = words(rng, ["roof", "plumbing", "electrics", "painting", "joinery"], rows)
    access = words(rng, ["easy", "scaffold", "crane"], rows)
    level = 7.2 + 0.5 * z(np.log(area)) + 0.15 * z(age.astype(float)) + effects(rng, trade, 0.35)
    cost = np.exp(level + effects(rng, access, 0.2) + rng.normal(0, 0.35, rows))
    frame = pd.DataFrame(
        {
            "Job": rng.permutation(rows) + 7001,
            "Trade": trade,
            "Access": access,
            "Area": area.round(),
            "Age of house": age,
            "Crew": crew,
            paid: (cost * 1.19 * rng.choice([1.0, 0.98], rows)).round(2),
            "Offered by": words(rng, ["Mr Abel", "Ms Jung", "Mr Sand", "Ms Voss"], rows),
            "Warranty": words(rng, ["2 y", "5 y", "none"], rows),
            "km": rng.gamma(2, 9, rows).round(1),
            "Season": words(rng, ["spring", "summer", "autumn", "winter"], rows),
            target: cost.round(),
        }
    )
    gaps(rng, frame, {paid: 0.08, "Age of house": 0.1, "Warranty": 0.06})
    add_noise(rng, frame)
    later = _later(rng, rows)
    frame.loc[later, paid] = rng.choice([0.0, 250.0, 500.0, 1000.0], int(later.sum()))
    note = "later jobs have paid a deposit at most, which says nothing"
    return split(frame, later, _card("repairs", "regression", target, paid, note))
