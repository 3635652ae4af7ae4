"""The flights as the data of a lab."""

from __future__ import annotations

from datetime import timedelta

from mlops_lab.learn.labs.data.flights import prepare_flights
from mlops_lab.learn.labs.data.layout import Needs


def test_flights_are_real_days_of_a_time_that_the_seed_chooses() -> None:
    needs = Needs(days=9, per_day=40, min_per_day=30)
    data, other = (prepare_flights(needs, seed=seed) for seed in (1, 2))
    layout = data.layout
    assert [len(data.cases(day, 1)) for day in range(needs.days)] == [40] * needs.days
    cases = data.cases(0, needs.days)
    assert all(case.known_at > case.at for case in cases)
    assert all(case.id.startswith(str(case.at.date())[:8]) for case in cases)
    assert {*layout.fields} <= {*cases[0].request}
    assert "arrival" not in " ".join(cases[0].request), "what is known later is not asked"
    assert 0.02 < sum(case.label for case in cases) / len(cases) < 0.7
    assert layout.first_day.weekday() == 0
    assert other.layout.first_day - layout.first_day != timedelta()
