"""Routing: a key always gets the same version, shares are kept, and loaded versions are used again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import MlopsError
from mlops_lab.inference.predictor import Predictor
from mlops_lab.serving.answering.routing import LiveModels, bucket
from mlops_lab.serving.answering.routing_table import Arm, LiveVersion, RoutingTable

KEYS = [f"customer {number}" for number in range(2000)]
LIVE = {number: LiveVersion(number, "package", str(number)) for number in (1, 2, 3)}


@pytest.fixture(scope="module")
def loaded(tiny: Any) -> dict[LiveVersion, Predictor]:
    """The small model as three versions."""
    return {live: Predictor(tiny.package, version=number) for number, live in LIVE.items()}


@pytest.fixture(scope="module")
def make_models(tiny: Any, loaded: dict[LiveVersion, Predictor]) -> Any:
    def make(**changes: Any) -> LiveModels:
        table = RoutingTable(**({"generation": 1, "champion": LIVE[1], "state": "state"} | changes))
        return LiveModels(table, tiny.project.root, loaded=loaded)

    return make


def shares(models: LiveModels) -> dict[tuple[int, str], float]:
    """By version and role, its share of the keys."""
    routes = [models.route(key) for key in KEYS]
    met = [(route.predictor.version, route.role) for route in routes]
    return {one: met.count(one) / len(met) for one in set(met)}


@given(st.text())
def test_a_bucket_is_a_number_from_0_to_1_and_always_the_same(key):
    assert 0 <= bucket(key) < 1
    assert bucket(key) == bucket(key)


def test_the_bucket_of_a_key_does_not_change():
    """Another hash would draw the shares of a running rollout again."""
    assert bucket("arms/c1") == 0.05144970677431715


def test_numbered_keys_are_spread_evenly():
    for parts in (2, 10):
        counts = [0] * parts
        for key in KEYS:
            counts[int(bucket(key) * parts)] += 1
        assert max(counts) - min(counts) < 0.15 * len(KEYS)


def test_without_a_rollout_the_champion_answers_all(make_models):
    models = make_models()
    assert not models.is_split
    assert shares(models) == {(1, "champion"): 1.0}
    assert models.route("c1").shadow is None


def test_a_challenger_without_a_share_is_only_a_shadow(make_models):
    models = make_models(challenger=LIVE[2])
    assert not models.is_split
    assert shares(models) == {(1, "champion"): 1.0}
    assert models.route("c1").shadow.version == 2


def test_a_canary_answers_its_share_with_the_champion_in_shadow(make_models):
    models = make_models(challenger=LIVE[2], canary_share=0.3)
    assert models.is_split
    assert shares(models)[2, "canary"] == pytest.approx(0.3, abs=0.05)
    for key in KEYS[:50]:
        route = models.route(key)
        assert {route.predictor.version, route.shadow.version} == {1, 2}
        assert models.route(key) == route


def test_a_larger_share_keeps_the_keys_of_the_smaller_one(make_models):
    small, large = (make_models(challenger=LIVE[2], canary_share=share) for share in (0.2, 0.6))
    assert {key for key in KEYS if small.route(key).role == "canary"} < {
        key for key in KEYS if large.route(key).role == "canary"
    }


def test_each_rollout_draws_other_keys(make_models):
    first, second = (make_models(challenger=LIVE[number], canary_share=0.5) for number in (2, 3))
    same = sum(first.route(key).role == second.route(key).role for key in KEYS)
    assert same / len(KEYS) == pytest.approx(0.5, abs=0.06)


def test_arms_answer_fixed_shares_before_the_challenger(make_models):
    models = make_models(arms=(Arm(LIVE[2], 0.2), Arm(LIVE[3], 0.5)))
    assert models.is_split
    found = shares(models)
    assert found[2, "arm"] == pytest.approx(0.2, abs=0.04)
    assert found[3, "arm"] == pytest.approx(0.5, abs=0.04)
    assert found[1, "champion"] == pytest.approx(0.3, abs=0.04)


def test_what_a_version_on_trial_does_not_answer_the_champion_does(make_models):
    fallback = make_models(challenger=LIVE[2], canary_share=1.0).fallback
    assert (fallback.predictor.version, fallback.role, fallback.shadow) == (1, "champion", None)


def test_every_version_is_there_once_with_the_champion_first(make_models, loaded):
    models = make_models(challenger=LIVE[2], previous=LIVE[3], arms=(Arm(LIVE[2], 0.1),))
    assert [predictor.version for predictor in models.predictors] == [1, 2, 3]
    assert models.by_live == loaded
    assert all(models.by_live[live] is predictor for live, predictor in loaded.items()), "loaded only once"


def test_a_package_that_is_not_there_is_an_error(tmp_path):
    table = RoutingTable(generation=1, champion=LIVE[1], state="state")
    with pytest.raises(MlopsError):
        LiveModels(table, tmp_path)


@pytest.fixture
def make_with_bad(tiny: Any, loaded: dict[LiveVersion, Predictor]) -> Any:
    """Models where the packages of all versions but the first are not there."""

    def make(**changes: Any) -> LiveModels:
        gone = {LIVE[1]: loaded[LIVE[1]]}
        table = RoutingTable(**({"generation": 1, "champion": LIVE[1], "state": "state"} | changes))
        return LiveModels(table, tiny.project.root / "elsewhere", loaded=gone)

    return make


@pytest.mark.parametrize(
    "changes",
    [
        {"previous": LIVE[2]},
        {"challenger": LIVE[2]},
        {"challenger": LIVE[2], "canary_share": 0.5},
        {"arms": (Arm(LIVE[2], 0.5),)},
        {"challenger": LIVE[3], "canary_share": 0.5, "arms": (Arm(LIVE[2], 0.5),), "previous": LIVE[2]},
    ],
)
def test_a_version_that_is_not_there_is_named_and_the_champion_answers_for_it(make_with_bad, changes):
    models = make_with_bad(**changes)
    assert shares(models) == {(1, "champion"): 1.0}
    assert [route.shadow for route in map(models.route, KEYS[:9])] == [None] * 9
    assert [predictor.version for predictor in models.predictors] == [1]
    named = {live.version for live in (changes.get("previous"), changes.get("challenger")) if live}
    named |= {arm.live.version for arm in changes.get("arms", ())}
    assert models.faults.keys() == named
    assert all("cannot be read" in why for why in models.faults.values())


def test_without_its_champion_nothing_answers(make_with_bad):
    with pytest.raises(MlopsError):
        make_with_bad(champion=LIVE[2])


def test_a_version_that_looks_up_what_the_state_lacks_is_not_ready(tiny, loaded):
    table = RoutingTable(generation=1, champion=LIVE[1], previous=LIVE[2], state="state")
    models = LiveModels(table, tiny.project.root, loaded=loaded, views=[])
    assert "does not hold" in models.faults[2]
    whole = LiveModels(table, tiny.project.root, loaded=loaded, views=models.views)
    assert whole.faults == {}


@given(st.text(), st.lists(st.floats(0, 1), min_size=2, max_size=5), st.sampled_from([0.0, 0.3]))
def test_a_key_that_the_canary_answers_it_still_answers_at_a_greater_share(make_models, key, steps, arm_share):
    """Beside an A/B test too, whose arms keep their keys."""
    arms = (Arm(LIVE[3], arm_share),) if arm_share else ()
    roles = [make_models(challenger=LIVE[2], canary_share=share, arms=arms).route(key).role for share in sorted(steps)]
    if "arm" in roles:
        assert set(roles) == {"arm"}
    else:
        assert roles == sorted(roles, key=["champion", "canary"].index)
