"""Make 12 tables with a planted fault, and the rows that come later.

    python benchmarks/planted/tables.py --seed 1 --out /tmp/planted

Three tables of each kind: entities, time, duplicates, leaks. Each gets a folder with train.csv,
test.csv and card.json. Another seed gives other headers, sizes and values.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _parts import Split
from duplicates import claims, enquiries, soils
from entities import clinic, fleet, listings
from leaks import permits, repairs, telecom
from numpy.random import Generator
from times import arrears, coating, flats

MAKERS: tuple[Callable[[Generator], Split], ...] = (
    clinic,
    listings,
    fleet,
    flats,
    arrears,
    coating,
    enquiries,
    soils,
    claims,
    telecom,
    permits,
    repairs,
)


def make(seed: int) -> list[Split]:
    """Make every table; none depends on the others."""
    return [maker(np.random.default_rng([seed, place])) for place, maker in enumerate(MAKERS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("/tmp/planted"))
    args = parser.parse_args()
    for made in make(args.seed):
        home = made.write(args.out)
        shape = f"{made.train.shape[0]} x {made.train.shape[1]}, test {len(made.test)}"
        print(f"{made.card.kind:10} {home}  {shape}  {' '.join(made.card.option)}")


if __name__ == "__main__":
    main()
