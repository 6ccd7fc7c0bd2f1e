"""Measure whether the score that a fit tells is the score of rows that come later.

    python benchmarks/planted/tables.py --seed 1 --out /tmp/planted/1
    python benchmarks/planted/measure.py /tmp/planted/1 --budget 20s --out planted.jsonl
    python benchmarks/planted/measure.py --plain ../shared/data --budget 20s --out plain.jsonl

Each table is fitted as it is, and once more with the option that answers its fault: the one that a
warning names for the right column, else the card's. Rows that --out holds already are skipped.
The summary is printed at the end; --summary prints it without any fit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from _runs import (
    EXIT_DONE,
    OPTIONS,
    Fit,
    NoAnswer,
    Setting,
    fitted,
    option,
    printed_warnings,
    told,
    true_score,
    warnings,
)

PLAIN = Path(__file__).with_name("plain.json")
COPY_WORDS = ("duplicat", "copies", "copied", "equal rows")
LOWER_IS_BETTER = ("rmse", "log_loss")

Row = dict[str, Any]


def key(row: Row) -> tuple[str, str, str, int, int]:
    """Tell what was measured."""
    return (row["table"], row["mode"], row["budget"], row["jobs"], row["seed"])


@dataclass(frozen=True)
class Log:
    """Measurements, one JSON object a line."""

    file: Path

    def rows(self) -> list[Row]:
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def find(self, table: str, mode: str, setting: Setting) -> Row | None:
        """Find a row that need not be measured again: the fit ended with a real model."""
        wanted = (table, mode, setting.budget, setting.jobs, setting.seed)
        for row in self.rows():
            constant = row.get("told", {}).get("constant", False)
            if key(row) == wanted and row["exit"] in EXIT_DONE and not constant:
                return row
        return None

    def add(self, row: Row) -> Row:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return row


def speaks_of_copies(warning: Row) -> bool:
    text = f"{warning['code']} {warning['action']} {warning['override']}".lower()
    return any(word in text for word in COPY_WORDS)


def doubts_score(warning: Row) -> bool:
    """Whether a warning is about the score, rather than about texts, memory or time."""
    asked = (warning["override"] or "").split()
    return speaks_of_copies(warning) or not set(OPTIONS).isdisjoint(asked)


def names_it(warning: Row, card: Row) -> bool:
    """Whether a warning names a right column; for duplicates, whether it speaks of copies."""
    if card["kind"] == "duplicates":
        return speaks_of_copies(warning)
    return not set(warning["columns"] or ()).isdisjoint(card["columns"])


def answers_it(warning: Row, card: Row, header: list[str]) -> list[str]:
    """Give the option that a right warning names, if it is of the card's kind."""
    words = option(warning["override"], header)
    if not card["option"] or not names_it(warning, card):
        return []
    return words if card["option"][0] in words[::2] else []


def side(metric: str, said: Row, true: float) -> str:
    """Say where the true score lies: inside the told interval, or on which side of it."""
    if said["low"] is None or said["high"] is None:
        return "untold"
    if said["low"] <= true <= said["high"]:
        return "inside"
    too_low = true < said["low"]
    flattered = not too_low if metric in LOWER_IS_BETTER else too_low
    return "worse" if flattered else "better"


def _basics(fit: Fit, table: str, mode: str, setting: Setting) -> Row:
    row: Row = {"table": table, "mode": mode, "budget": setting.budget, "jobs": setting.jobs}
    row |= {"seed": setting.seed, "exit": fit.exit, "seconds": round(fit.seconds, 2)}
    row |= {"warnings": warnings(fit.run), "printed": printed_warnings(fit.printed)}
    if fit.exit not in EXIT_DONE:
        row["error"] = fit.printed.strip()[-500:]
    return row


def _judged(fit: Fit, home: Path, card: Row) -> Row:
    """Compare what was told with the truth."""
    test = home / "test.csv"
    said = told(fit.run, test)
    true = true_score(fit.run, test, card)
    where = side(card["metric"], said, true)
    return {"told": said, "true": true, "true_is": where, "holds": where == "inside"}


def measured(home: Path, mode: str, words: list[str], setting: Setting, with_test: bool) -> Row:
    """Fit one table one way."""
    card = json.loads((home / "card.json").read_text())
    asked = ["--target", card["target"], "--task", card["task"], "--metric", card["metric"]]
    if with_test:
        asked += ["--test", str(home / "test.csv")]
    with fitted(home / "train.csv", [*asked, *words], setting) as fit:
        row = _basics(fit, str(home), mode, setting) | {"name": card["name"], "kind": card["kind"]}
        row |= {"words": words, "right_columns": card["columns"]}
        row["named"] = any(names_it(warning, card) for warning in row["warnings"])
        if fit.exit in EXIT_DONE:
            try:
                row |= _judged(fit, home, card)
            except NoAnswer as error:
                row["error"] = str(error)
    return row


def answer(home: Path, default: Row) -> tuple[list[str], str]:
    """Choose the option of the second fit, and say who named it; none if nobody does."""
    card = json.loads((home / "card.json").read_text())
    header = list(pd.read_csv(home / "train.csv", nrows=0).columns)
    for warning in default["warnings"]:
        words = answers_it(warning, card, header)
        if words:
            return words, "warning"
    return card["option"], "card"


def measure_table(home: Path, setting: Setting, log: Log, with_test: bool) -> None:
    """Fit a table as it is, and with the option that answers its fault."""
    default = log.find(str(home), "default", setting)
    if default is None:
        default = log.add(measured(home, "default", [], setting, with_test))
        print(line(default), flush=True)
    words, who = answer(home, default)
    if words and log.find(str(home), "option", setting) is None:
        row = measured(home, "option", words, setting, with_test)
        print(line(log.add(row | {"named_by": who})), flush=True)


def measure_plain(home: Path, setting: Setting, log: Log) -> None:
    """Fit a plain table, for its warnings only."""
    if log.find(str(home), "plain", setting) is not None:
        return
    card = json.loads((home / "card.json").read_text())
    words = ["--target", card["target"], "--task", card["task"]]
    for name in card["drop"]:
        words += ["--ignore", name]
    with fitted(home / "data.csv.gz", words, setting) as fit:
        row = _basics(fit, str(home), "plain", setting)
    print(line(log.add(row | {"name": home.name, "kind": "plain"})), flush=True)


def _cell(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.5g'):>11}"


def brief(warning: Row) -> str:
    """Write a warning's code and columns; one that isn't about the score in brackets."""
    text = f"{warning['code']}({'; '.join(warning['columns'] or ())})"
    return text if doubts_score(warning) else f"[{text}]"


def line(row: Row) -> str:
    """Write one row of the summary."""
    codes = ", ".join(map(brief, row["warnings"]))
    start = f"{row['name'][:20]:20} {row['kind']:10} {row['mode']:7}"
    if row["exit"] not in EXIT_DONE:
        return f"{start} exit {row['exit']}: {row.get('error', '')[-120:]}"
    if "true" not in row:
        return f"{start} {row.get('error') or codes or 'no warning'}"
    said = row["told"]
    scores = " ".join(_cell(said[name]) for name in ("score", "low", "high"))
    codes = ("only the constant answers  " if said["constant"] else "") + codes
    named = "named" if row["named"] else "-"
    asked = " ".join(row["words"])
    return f"{start} {scores} {row['true']:>11.5g} {row['true_is']:7} {named:6} {asked}  {codes}"


HEAD = f"{'table':20} {'kind':10} {'fit':7}"
HEAD += "".join(f" {name:>11}" for name in ("told", "low", "high", "true"))
HEAD += f" {'true is':7} {'column':6} option  warnings"


def _share(rows: list[Row], key: str) -> str:
    return f"{sum(bool(row.get(key)) for row in rows)} of {len(rows)}"


def summary(rows: Iterable[Row]) -> str:
    """Write all rows as a table, and the totals below it."""
    newest = {key(row): row for row in rows}.values()
    rows = sorted(newest, key=lambda row: (row["kind"], row["name"], row["mode"]))
    told_rows = [row for row in rows if row["mode"] != "plain"]
    plain = [row for row in rows if row["mode"] == "plain"]
    default = [row for row in told_rows if row["mode"] == "default"]
    last = {row["table"]: row for row in told_rows}  # "option" sorts after "default"
    lines = [HEAD, *(line(row) for row in told_rows)] if told_rows else []
    if default:
        lines += ["", f"right column named: {_share(default, 'named')}"]
        lines += [f"interval holds the true score as it is: {_share(default, 'holds')}"]
        lines += [f"with the option, or by default: {_share(list(last.values()), 'holds')}"]
    if plain:
        warned = [row for row in plain if any(map(doubts_score, row["warnings"]))]
        lines += ["", f"plain tables with a warning about the score: {len(warned)} of {len(plain)}"]
        lines += [line(row) for row in plain]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folders", type=Path, nargs="*", help="folders of tables with cards")
    parser.add_argument("--plain", type=Path, help="the folder of the tables of plain.json")
    parser.add_argument("--only", default="", help="names of tables, separated by commas")
    parser.add_argument("--budget", default="20s", help="such as 20s; a number is --trials")
    parser.add_argument("--jobs", type=int, default=2, help="cores of each fit")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the fits")
    parser.add_argument("--without-test", action="store_true", help="fit without --test")
    parser.add_argument("--summary", action="store_true", help="print the summary, fit nothing")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines")
    return parser.parse_args()


def _homes(folders: list[Path], only: str) -> list[Path]:
    """Find the tables of some folders, or those of them that were asked for."""
    homes = [card.parent for folder in folders for card in sorted(folder.glob("*/card.json"))]
    asked = set(filter(None, only.split(",")))
    return [home.resolve() for home in homes if not asked or home.name in asked]


def main() -> None:
    args = _arguments()
    log = Log(args.out)
    setting = Setting(args.budget, args.jobs, args.seed)
    if not args.summary:
        for home in _homes(args.folders, args.only):
            measure_table(home, setting, log, not args.without_test)
        drawn = ",".join(json.loads(PLAIN.read_text())["drawn"])
        for home in _homes([args.plain] if args.plain else [], args.only or drawn):
            measure_plain(home, setting, log)
    print(summary(log.rows()))


if __name__ == "__main__":
    main()
