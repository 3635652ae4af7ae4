import numpy as np
import pandas as pd

from mlops_lab.learn.checking import Work, fail

CURRENCIES, SHARES = ["EUR", "USD", "GBP", "CHF"], [0.7, 0.2, 0.0975, 0.0025]


def check(work: Work) -> None:
    broken_columns = work.load("contract.py", "broken_columns").broken_columns
    known = _day(work, 8000)
    known.loc[0, ["minutes", "weight"]] = [1e-6, 1e-6]  # of all that can be, something has been
    known.loc[1, ["minutes", "weight"]] = [3000.0, 900.0]
    cases: list[tuple[str, str, list[str], pd.DataFrame]] = []

    def case(key: str, what: str, broken: list[str], today: pd.DataFrame) -> None:
        cases.append((key, what, broken, today))

    seconds = work.rng.choice([60.0, 1 / 60])
    case(
        "scale-missed",
        "minutes in another unit",
        ["minutes"],
        _day(work, 300).assign(minutes=lambda t: t.minutes * seconds),
    )
    case("scale-missed", "weight divided by 1000", ["weight"], _day(work, 300).assign(weight=lambda t: t.weight / 1000))
    case("scale-missed", "people 12 times as many", ["people"], _day(work, 300).assign(people=lambda t: t.people * 12))
    renamed = _day(work, 300).replace({"currency": {"EUR": "euro"}})
    case("category-missed", "EUR spelt as euro", ["currency"], renamed)
    one = _day(work, 300)
    one.loc[17, "currency"] = "XXX"
    case("category-missed", "one row with the currency XXX", ["currency"], one)
    case("column-missed", "no column weight", ["weight"], _day(work, 300).drop(columns="weight"))
    case(
        "column-missed", "minutes as text", ["minutes"], _day(work, 300).assign(minutes=lambda t: t.minutes.astype(str))
    )
    both = renamed.assign(weight=lambda t: t.weight * 2.2046 * 16)
    case("scale-missed", "weight in ounces, and EUR spelt as euro", ["currency", "weight"], both)
    outlier = _day(work, 300)
    outlier.loc[5, ["minutes", "weight"]] = [40_000.0, 9000.0]
    case("false-alarm", "an ordinary day, with one very long ride", [], outlier)
    case("false-alarm", "an ordinary day without CHF", [], _day(work, 300).query("currency != 'CHF'"))
    case(
        "false-alarm",
        "a day with half as many rows, a third busier",
        [],
        _day(work, 150).assign(minutes=lambda t: t.minutes * 1.3),
    )
    for key, what, broken, today in cases:
        answer = list(broken_columns(known.copy(), today.reset_index(drop=True)))
        if answer == broken:
            continue
        seen = f"{what}: the answer is {answer}"
        if extra := sorted({*answer} - {*broken}):
            fail("false-alarm", seen=seen, expected=f"no alarm for {extra[0]}")
        if set(answer) != set(broken):
            fail(key, seen=seen, expected="the name of each column that is broken")
        fail("not-sorted", seen=seen, expected="each name once, sorted")


def _day(work: Work, rows: int) -> pd.DataFrame:
    rng = work.rng
    return pd.DataFrame(
        {
            "minutes": np.round(rng.lognormal(2.5, 0.9, rows), 2) + 0.01,
            "weight": np.round(rng.lognormal(1.0, 1.2, rows), 3) + 0.001,
            "people": rng.integers(1, 9, rows),
            "currency": rng.choice(CURRENCIES, rows, p=SHARES),
        }
    )
