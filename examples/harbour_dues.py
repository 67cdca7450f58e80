"""Works out what ships owe a harbour: dues by tonnage, berth, season and delay.

Reads calls as CSV (ship, flag, tons, berth, arrived, left, cargo) and prints an
invoice for each ship, or one table for all of them:

    python3 harbour_dues.py calls.csv --table
"""

import argparse
import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")

# Dues for each started block of 100 gross tons, by berth.
RATE_PER_BLOCK = {
    "north quay": Decimal("41.20"),
    "south quay": Decimal("38.75"),
    "dry dock": Decimal("96.00"),
    "roadstead": Decimal("12.40"),
}

# Winter is dearer: ice has to be broken, and lamps burn for longer.
WINTER_MONTHS = {11, 12, 1, 2, 3}
WINTER_SURCHARGE = Decimal("0.15")

FREE_DAYS = 3
DELAY_PER_DAY = Decimal("250.00")
DANGEROUS_CARGO = {"petrol", "ammonia", "explosives"}
DANGER_FEE = Decimal("1200.00")


class BadCall(ValueError):
    """A line of the file that cannot be charged for."""

    def __init__(self, line, problem):
        super().__init__(f"line {line}: {problem}")
        self.line = line


@dataclass(frozen=True)
class Call:
    """One visit of one ship."""

    ship: str
    flag: str
    tons: int
    berth: str
    arrived: date
    left: date
    cargo: str

    @property
    def days(self):
        """Days at berth, both ends counted."""
        return (self.left - self.arrived).days + 1

    def in_winter(self):
        day = self.arrived
        while day <= self.left:
            if day.month in WINTER_MONTHS:
                return True
            day += timedelta(days=1)
        return False


@dataclass
class Item:
    what: str
    amount: Decimal


def blocks(tons):
    """Started blocks of 100 tons; a ship of 0 tons does not exist."""
    if tons <= 0:
        raise ValueError(f"a ship of {tons} tons")
    return -(-tons // 100)


def parse_call(line, row):
    try:
        call = Call(
            ship=row["ship"].strip(),
            flag=row["flag"].strip().upper(),
            tons=int(row["tons"]),
            berth=row["berth"].strip().lower(),
            arrived=date.fromisoformat(row["arrived"]),
            left=date.fromisoformat(row["left"]),
            cargo=row["cargo"].strip().lower(),
        )
    except KeyError as missing:
        raise BadCall(line, f"the column {missing} is missing") from missing
    except ValueError as wrong:
        raise BadCall(line, str(wrong)) from wrong
    if call.berth not in RATE_PER_BLOCK:
        known = ", ".join(sorted(RATE_PER_BLOCK))
        raise BadCall(line, f"there is no berth {call.berth!r}; there are {known}")
    if call.left < call.arrived:
        raise BadCall(line, f"{call.ship} left before it arrived")
    return call


def read_calls(lines):
    """Yields the calls of a CSV file, in its order."""
    for number, row in enumerate(csv.DictReader(lines), start=2):
        yield parse_call(number, row)


def items(call):
    """What one call costs, item by item."""
    due = RATE_PER_BLOCK[call.berth] * blocks(call.tons)
    yield Item(f"dues, {blocks(call.tons)} blocks at the {call.berth}", due)
    if call.in_winter():
        yield Item("winter surcharge", (due * WINTER_SURCHARGE).quantize(CENT, ROUND_HALF_UP))
    late = max(0, call.days - FREE_DAYS)
    if late and call.berth != "roadstead":
        yield Item(f"{late} days beyond {FREE_DAYS}", DELAY_PER_DAY * late)
    if call.cargo in DANGEROUS_CARGO:
        yield Item(f"watch over {call.cargo}", DANGER_FEE)


def total(call):
    return sum((item.amount for item in items(call)), Decimal(0))


def invoice(ship, calls):
    """The text of an invoice; amounts stand below each other."""
    text = [f"To the owners of the {ship}", ""]
    for call in calls:
        text.append(f"{call.arrived} to {call.left}, {call.tons} tons, {call.cargo}")
        for item in items(call):
            text.append(f"  {item.what:<44}{item.amount:>12.2f}")
    text.append(f"  {'total':<44}{sum(map(total, calls)):>12.2f}")
    return "\n".join(text)


def table(by_ship):
    """One line for each ship, the largest debtor first."""
    rows = [(ship, len(calls), sum(map(total, calls))) for ship, calls in by_ship.items()]
    rows.sort(key=lambda row: (-row[2], row[0]))
    width = max((len(ship) for ship, _, _ in rows), default=4)
    return "\n".join(f"{ship:<{width}} {count:>4} {owed:>12.2f}" for ship, count, owed in rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="CSV of calls, or - for standard input")
    parser.add_argument("--table", action="store_true", help="one line for each ship")
    parser.add_argument("--ship", help="only the invoice of this ship")
    options = parser.parse_args(arguments)
    by_ship = defaultdict(list)
    source = sys.stdin if options.file == "-" else open(options.file, newline="")
    try:
        with source:
            for call in read_calls(source):
                if options.ship in (None, call.ship):
                    by_ship[call.ship].append(call)
    except BadCall as bad:
        print(f"{options.file}, {bad}", file=sys.stderr)
        return 2
    if options.table:
        print(table(by_ship))
    else:
        print("\n\n".join(invoice(ship, calls) for ship, calls in sorted(by_ship.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
