import numpy as np
import pandas as pd

from mlops_lab.learn.checking import Work, fail

ROWS = 4000
HARM = 0.05


def check(work: Work) -> None:
    harmful_columns = work.load("drift.py", "harmful_columns").harmful_columns
    for changes in (
        {"age": 2.5, "visits": -3.0},
        {},
        {"age": 3.0, "debt": 0.5},
        {"debt": -0.5, "income": -0.5, "visits": 2.0},
        {"income": "wider"},
    ):
        names = dict(
            zip(("income", "debt", "age", "visits"), work.rng.permutation([f"x{n}" for n in range(4)]), strict=True)
        )

        def model(rows: pd.DataFrame, names=names) -> np.ndarray:
            score = (
                rows[names["income"]] - rows[names["debt"]] + 0.02 * rows[names["age"]] - 0.01 * rows[names["visits"]]
            )
            return (score > 1.0).to_numpy()

        before, today = (pd.DataFrame(work.rng.normal(size=(ROWS, 4)), columns=list(names)) for _ in range(2))
        for name, change in changes.items():
            today[name] = 2.5 * today[name] if change == "wider" else today[name] + change
        before, today = (table.rename(columns=names)[sorted(names.values())] for table in (before, today))
        right = sorted(names[name] for name in changes if name in ("income", "debt"))
        answer = list(harmful_columns(model, before.copy(), today.copy()))
        if answer == right:
            continue
        for name in answer:
            if name not in right:
                told = _tell(model, before, today, name)
                fail("harmless-alert", seen=f"an alert for {name}: {told}", expected=f"none: not more than {HARM:.0%}")
        for name in right:
            if name not in answer:
                told = _tell(model, before, today, name)
                fail("harm-missed", seen=f"no alert for {name}: {told}", expected=f"an alert: more than {HARM:.0%}")
        fail("not-sorted", seen=f"{answer}", expected="each name once, sorted")


def _tell(model, before, today, name: str) -> str:
    shift = (today[name].mean() - before[name].mean()) / before[name].std()
    usual, changed = model(before).mean(), model(before.assign(**{name: today[name].to_numpy()})).mean()
    return (
        f"its mean moved by {shift:+.1f} standard deviations, its spread became {today[name].std() / before[name].std():.1f} "
        f"times as large, and with that column alone the share of approved rows goes from {usual:.1%} to {changed:.1%}"
    )
