"""The orders of the shop."""

from __future__ import annotations

from mlops_lab.learn.labs.data.shop import ShopData


def test_orders_are_the_same_for_a_seed_and_hidden_ones_are_others() -> None:
    data, same, other = (ShopData(seed=seed, per_day=20) for seed in (4, 4, 5))
    assert data.cases(3, 2) == same.cases(3, 2)
    assert data.cases(3, 2) == [case for case in data.cases(0, 5) if case.at.date() >= data.layout.day(3)]
    assert [case.values for case in data.cases(0, 1)] != [case.values for case in other.cases(0, 1)]
    shown, hidden = data.cases(0, 3), data.hidden(0, 3)
    assert {case.id for case in shown}.isdisjoint(case.id for case in hidden)
    assert [case.request["price"] for case in shown] != [case.request["price"] for case in hidden]
    assert {case.at.date() for case in hidden} == {data.layout.day(number) for number in range(3)}
