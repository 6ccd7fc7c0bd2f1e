"""Make data.csv: customers of an internet provider, and whether they cancelled, in a messy export.

The customers are invented. The answer depends on them by `log_odds` below, so there is something to
learn from text, dates, money, places and their interactions. All that is wrong with the file is
added afterwards, by `dirty`. The bytes are equal on every machine:

    python datasets/messy/make.py            writes data.csv next to this file
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")

CUSTOMERS = 2_000
SNAPSHOT = date(2025, 6, 30)
HEADER = [
    "Customer No",
    "Signed up",
    "Last contact",
    "Postcode",
    "Country",
    "Plan",
    "Monthly charge",
    "Charged so far",
    "Discount",
    "Age",
    "Household",
    "Usage GB",  # downloaded
    "Usage GB",  # uploaded: the same heading twice
    "Support calls",
    "Satisfaction",
    "Autopay",
    "Paper bill",
    "Tariff",  # a copy of Plan
    "Comment",
    "Cancelled",
]
REGIONS = {
    "01": 0.9,
    "02": 0.2,
    "03": -0.5,
    "07": 0.6,
    "10": -0.2,
    "21": 0.0,
    "35": -0.7,
    "48": 0.4,
    "60": -0.3,
    "94": 0.1,
}
PLANS = {"Basic": 34.9, "Family": 59.9, "Premium": 89.9, "Business": 640.0}
PLEASED = [
    "great service, very happy",
    "the technician was friendly and quick",
    "fast connection; works well from home",
    "happy with the new router",
    "recommended you to my neighbour",
    'as the ad says: "it just works"',
]
ANNOYED = [
    "connection drops every evening",
    "far too expensive, found a cheaper offer",
    "billed twice; nobody answers the phone",
    "very slow; third complaint",
    "wants to know how to end the contract",
    "moving house in autumn",
    'was told "soon" again and again',
]
NEUTRAL = [
    "asked for a copy of the bill",
    "changed the account's e-mail address",
    "new phone number",
    "asked about opening hours of the café branch",
    "Señora Núñez called on behalf of her mother",
    "letter returned; address corrected to Königstraße",
    "price list sent\nsee attachment",
]


@dataclass(frozen=True)
class Customer:
    """The truth about a customer."""

    number: int
    signed_up: date
    last_contact: date | None
    postcode: str
    plan: str
    monthly: float
    discount: int
    age: int
    household: int
    download: float
    upload: float
    calls: int
    satisfaction: int
    autopay: bool
    paper: bool
    mood: float
    comment: str
    cancelled: bool

    @property
    def months(self) -> float:
        """Duration of the contract so far."""
        return (SNAPSHOT - self.signed_up).days / 30.4


def pick(rng: Random, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """Draw one of the items.

    It takes `random()` alone, the only method whose numbers Python promises not to change.
    """
    shares = list(weights or [1.0] * len(items))
    rest = rng.random() * sum(shares)
    for item, share in zip(items, shares, strict=True):
        rest -= share
        if rest < 0:
            return item
    return items[-1]


def bell(rng: Random) -> float:
    """Draw a nearly normal number with mean 0 and deviation 1."""
    return sum(rng.random() for _ in range(12)) - 6.0


def write_comment(rng: Random, mood: float) -> str:
    """Write a clerk's notes: the worse the mood, the worse the words."""
    if rng.random() < 0.25:
        return ""
    notes = []
    if rng.random() < 0.4:
        notes.append(pick(rng, NEUTRAL))
    annoyed_share = 1 / (1 + math.exp(-3 * mood))
    count = 1 + int(rng.random() * 2)
    for _ in range(count):
        choices = ANNOYED if rng.random() < annoyed_share else PLEASED
        notes.append(pick(rng, choices))
    separator = pick(rng, [". ", "; ", ",\n"])
    return separator.join(dict.fromkeys(notes))


def log_odds(c: Customer) -> float:
    """Return the log odds of cancelling: the most that a model can learn."""
    price = c.monthly * (1 - c.discount / 100) / PLANS[c.plan] - 1
    return (
        -1.5
        + 1.5 * c.mood  # seen through the comments, the calls and the satisfaction
        + (1.5 if c.months < 12 else -0.012 * min(c.months, 96))
        + (0.8 if c.signed_up.month in (11, 12) else 0.0)  # won by the Christmas offer
        + 1.5 * REGIONS[c.postcode[:2]]
        + 8.0 * price * (0.3 if c.autopay else 1.0)  # those who pay manually watch the price
        + (1.2 if c.plan == "Basic" and c.download > 400 else 0.0)
        + (-0.9 if c.household > 2 and c.plan == "Family" else 0.0)
        + 0.6 * ((c.age - 45) / 20) ** 2 * (c.age < 45)
    )


def invent(rng: Random, number: int) -> Customer:
    """Invent a customer, without the answer."""
    plan = pick(rng, list(PLANS), [45, 30, 20, 5])
    mood = bell(rng)
    household = 1 + int(rng.random() * (4 if plan == "Family" else 3))
    signed_up = SNAPSHOT - timedelta(days=30 + int(3000 * rng.random() ** 1.7))
    contact = signed_up + timedelta(days=int((SNAPSHOT - signed_up).days * rng.random()))
    download = math.exp(4.6 + 0.35 * household + 0.7 * bell(rng))
    return Customer(
        number=number,
        signed_up=signed_up,
        last_contact=contact if rng.random() < 0.8 else None,
        postcode=f"{pick(rng, list(REGIONS))}{int(rng.random() * 1000):03d}",
        plan=plan,
        monthly=PLANS[plan]
        * (1 + 0.12 * bell(rng))
        * (2.0 if plan == "Business" and rng.random() < 0.5 else 1.0),
        discount=pick(rng, [0, 5, 10, 12, 15, 25], [50, 12, 12, 10, 10, 6]),
        age=int(min(90.0, max(18.0, 45 + 16 * bell(rng)))),
        household=household,
        download=download,
        upload=download * math.exp(-2.2 + 0.5 * bell(rng)),
        calls=max(0, int(1.2 + 0.7 * mood + bell(rng))),
        satisfaction=int(min(5.0, max(1.0, 3.6 - 0.6 * mood + 0.9 * bell(rng)))),
        autopay=rng.random() < 0.55,
        paper=rng.random() < 0.3,
        mood=mood,
        comment=write_comment(rng, mood),
        cancelled=False,
    )


def decide(rng: Random, c: Customer) -> bool:
    """Draw whether this customer cancelled."""
    return rng.random() < 1 / (1 + math.exp(-log_odds(c)))


def sloppy(rng: Random, word: str) -> str:
    """Return a word as one of five clerks types it."""
    return pick(rng, [word, word.lower(), word.upper(), word + " ", " " + word], [80, 8, 5, 5, 2])


def missing(rng: Random, value: str, share: float, sign: str) -> str:
    """Return the value, or, for a share of the cells, the column's sign of a missing one."""
    return sign if rng.random() < share else value


def dirty(rng: Random, c: Customer) -> list[str]:
    """Return the customer as a line of the export."""
    plan = sloppy(rng, c.plan)
    flag = ("yes", "no")
    return [
        f"C-{c.number:06d}",
        f"{c.signed_up:%d/%m/%Y}",
        f"{c.last_contact:%d/%m/%Y}" if c.last_contact else "",
        c.postcode,
        "United States",
        plan,
        f"${c.monthly:,.2f}",
        missing(rng, f"${c.monthly * c.months:,.2f}", 0.03, "?"),
        missing(rng, f"{c.discount}%", 0.04, "NA") if c.discount else "",
        missing(rng, str(c.age), 0.09, "-999"),
        missing(rng, str(c.household), 0.05, "?"),
        missing(rng, f"{c.download:.1f}", 0.06, "NA"),
        missing(rng, f"{c.upload:.1f}", 0.06, "NA"),
        missing(rng, str(c.calls), 0.05, "?"),
        missing(rng, str(c.satisfaction), 0.25, "NA"),
        sloppy(rng, flag[not c.autopay]),
        missing(rng, flag[not c.paper], 0.02, ""),
        plan,
        c.comment,
        missing(rng, flag[not c.cancelled], 0.02, ""),
    ]


def make() -> bytes:
    """Return the whole file."""
    rng = Random(20250630)
    lines: list[list[str]] = []
    for number in range(1, CUSTOMERS + 1):
        customer = invent(rng, number)
        lines.append(dirty(rng, replace(customer, cancelled=decide(rng, customer))))
        if rng.random() < 0.02:
            lines.append(lines[int(rng.random() * len(lines))])  # exported twice
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows([HEADER, *lines])
    return text.getvalue().encode("latin-1")


if __name__ == "__main__":
    Path(__file__).with_name("data.csv").write_bytes(make())
