"""Draw 20 plain tables: real ones that give no reason for a warning about the score.

    python benchmarks/planted/plain.py --data ../shared/data

The tables left out, and why, are written down below. They were chosen by reading the cards and the
columns, before any fit.
The draw goes into plain.json beside this file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random

SEED = 20261129
N_TABLES = 20
OUT = Path(__file__).with_name("plain.json")

DATE = "has a date, year or month column"
COPIES = "holds copies of rows (more than 1%), which may be mistakes"
EXCLUDED = {
    "airfoil": "rows are 105 runs in a wind tunnel, told apart by Displ: entities repeat",
    "amazon_employee_access": "resources and managers are keys that repeat",
    "anneal": COPIES,
    "bike_sharing_hour": DATE,
    "brazilian_houses": "the target is the sum of four columns; 3% copies",
    "caravan_insurance": "customers of a postcode share 43 columns: entities repeat; 10% copies",
    "cnae9": COPIES,
    "eucalyptus": "has a year, and localities that repeat",
    "house_prices": DATE,
    "imdb_movies": DATE,
    "in_vehicle_coupon": "each respondent answers many times: entities repeat",
    "kc1": COPIES,
    "letter": COPIES,
    "mammography": COPIES,
    "melbourne_housing": DATE,
    "midwest_survey": "the target, a region, follows from the ZIP code: a leak by construction",
    "nyc_flights": DATE,
    "nyc_taxis": DATE,
    "online_shoppers": DATE,
    "open_payments": "manufacturers and products are keys that repeat",
    "ozone_level_8hr": DATE,
    "pc4": COPIES,
    "phishing_websites": COPIES,
    "protein_casp": COPIES,
    "segment": COPIES,
    "sensory": "six judges and their sittings repeat in every combination",
    "sick": COPIES,
    "soybean": DATE,
    "spambase": COPIES,
    "splice": COPIES,
    "tecator": "moisture is the target's mirror image (r = -0.99); 8% copies",
    "titanic": "tickets and cabins are shared: keys that repeat",
    "us_crime": "states and counties are keys that repeat",
    "videogame_sales": DATE,
    "wine_quality_white": COPIES,
}


def draw(known: list[str], seed: int = SEED) -> list[str]:
    """Draw the names of plain tables, in sorted order."""
    plain = sorted(set(known) - set(EXCLUDED))
    return sorted(Random(seed).sample(plain, N_TABLES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    known = sorted(card.parent.name for card in args.data.glob("*/card.json"))
    drawn = draw(known, args.seed)
    found = {
        "seed": args.seed,
        "excluded": EXCLUDED,
        "plain": sorted(set(known) - set(EXCLUDED)),
        "drawn": drawn,
    }
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    print(*drawn, sep="\n")


if __name__ == "__main__":
    main()
