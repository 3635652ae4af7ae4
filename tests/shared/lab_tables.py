"""Tables that a learner could bring to a lab, and the data of labs made of them."""

from __future__ import annotations

import csv
import tempfile
from datetime import datetime, timedelta
from functools import cache
from math import exp, log
from pathlib import Path
from random import Random

from mlops_lab.learn.labs.data.cases import LabData
from mlops_lab.learn.labs.data.layout import Needs
from mlops_lab.learn.labs.data.own_table import TableChoice, prepare_own_table
from mlops_lab.learn.labs.data.shop import ShopData

NEEDS = Needs(days=10, per_day=12, min_per_day=10)


def write_loans(path: Path, *, rows: int) -> None:
    """Loans, one an hour, and whether they were paid back: with a time, a key, numbers, a text, and an outcome in
    words."""
    random, began = Random(1), datetime(2020, 1, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["loan", "applied", "client", "amount", "income", "purpose", "years", "outcome"])
        for number in range(rows):
            amount, income = random.lognormvariate(8, 0.6), random.lognormvariate(10, 0.5)
            purpose = random.choices(["car", "house", "travel", "study"], [4, 3, 2, 1])[0]
            years = random.randrange(30)
            risk = (
                -1.5 + 1.3 * (log(amount) - 8) - 1.2 * (log(income) - 10) + 0.8 * (purpose == "travel") - 0.05 * years
            )
            outcome = "default" if random.random() < 1 / (1 + exp(-risk)) else "paid"
            applied = f"{began + timedelta(hours=number):%Y-%m-%d %H:%M}"
            client = f"C{random.randrange(400)}"
            writer.writerow([f"L{number}", applied, client, f"{amount:.2f}", f"{income:.0f}", purpose, years, outcome])


@cache
def make_examples() -> tuple[LabData, ...]:
    """A few days of the shop, and of a table of the learner's own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "loans.csv")
        write_loans(path, rows=200)
        own = prepare_own_table(TableChoice(str(path), "outcome", key="client"), NEEDS, seed=3)
    return ShopData(seed=3, per_day=12), own
