"""What the server saw is what the training side computes for the same moment: cell by cell, also after a kill -9."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl
from running import Talk, serving
from synthetic import Moment, World, day_begin, live

from mlops_lab.features.offline import compute
from mlops_lab.inference.predictor import Predictor
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.versions import find_version
from mlops_lab.tables.facts import read_facts


def play(talk: Talk, moments: Iterable[Moment]) -> int:
    """Tell what became known, then ask, moment by moment; the number of requests."""
    asked = 0
    for moment in moments:
        if moment.outcomes:
            assert talk.tell(moment.outcomes)["problems"] == []
        if moment.traffic:
            talk.add("traffic", moment.traffic)
        for request in moment.requests:
            talk.predict(request)
            asked += 1
    return asked


def assert_equal_features(project: Project) -> pl.DataFrame:
    """Features logged = features recomputed, and so are the answers; the predictions."""
    loop = Loop(project)
    ingest_journal(project, loop.lake)
    assert loop.state.champion is not None
    live_version = find_version(loop.decisions, loop.state.champion)
    predictor = Predictor(project.root / live_version.package, version=1, fingerprint=live_version.fingerprint)
    predictions = loop.lake.read("predictions").sort("at", "id")
    facts = read_facts(project, loop.lake)
    requests = predictions.select(list(predictor.request_schema))
    again = compute(predictor.features, requests, time="asked_at", facts=facts)
    for name in again.columns:
        logged, computed = predictions[name], again[name].cast(predictions.schema[name])
        differing = predictions.filter(logged.ne_missing(computed)).select("id", "at", name)
        assert differing.is_empty(), f"{name}: {differing.head(3)} but offline {computed.head(3)}"
    assert predictor.score(again).to_list() == predictions["output"].to_list()
    return predictions


def test_features_served_equal_features_trained_on(copy_project: Callable[[], Project], world: World) -> None:
    project = copy_project()
    with serving(project) as server:
        talk = server.talk()
        talk.add("depots", [{"depot": "e", "docks": 1}])  # always known: before anybody asks about it
        asked = play(talk, live(world, day_begin(24), day_begin(26)))
        asked += play(talk, live(world, day_begin(26), day_begin(26.5)))
        server.kill()
    with serving(project) as server:  # everything is rebuilt from the state and the journal
        asked += play(server.talk(), live(world, day_begin(26.5), day_begin(27)))
        ingest_journal(project, Lake(project.lake_path))
        server.kill()
    with serving(project) as server:  # from the same state, with a journal that the lake has taken over already
        asked += play(server.talk(), live(world, day_begin(27), day_begin(28)))
        server.kill()
    Loop(project).act(new_state=True)  # from a new state made from the lake: the margin and the last rows must suffice
    with serving(project) as server:
        asked += play(server.talk(), live(world, day_begin(28), day_begin(29)))

        predictions = assert_equal_features(project)

    assert predictions.height == asked > 300
    seen = predictions.select("depot_delay", "customer_delay", "load", "docks", "hours_since", "evening")
    assert all(0 < nulls < asked for nulls in seen.drop("evening").null_count().row(0)), "the test would be too easy"
    assert predictions["depot_delay"].n_unique() > 100
    assert predictions.schema["evening"] == pl.Boolean


def test_a_fact_that_comes_late_is_put_in_its_place(copy_project: Callable[[], Project], world: World) -> None:
    """Outcomes that are delivered out of order, before anybody asks, are seen as if they had come in order."""
    project = copy_project()
    moments = list(live(world, day_begin(24), day_begin(25)))
    outcomes = [outcome for moment in moments for outcome in moment.outcomes]
    seen = [row for moment in moments for row in moment.traffic]
    with serving(project) as server:
        talk = server.talk()
        for moment in moments:
            for request in moment.requests:
                talk.predict(request)
        assert talk.tell(outcomes[::-2])["problems"] == []
        assert talk.tell(outcomes[-2::-2])["problems"] == []
        talk.add("traffic", seen[::-1])
        play(talk, live(world, day_begin(25), day_begin(26)))
    loop = Loop(project)
    ingest_journal(project, loop.lake)
    late = loop.lake.read("predictions").filter(pl.col("at") >= day_begin(25)).sort("at", "id")
    package = project.root / find_version(loop.decisions, 1).package
    facts = read_facts(project, loop.lake)
    predictor = Predictor(package, version=1)
    again = compute(predictor.features, late.select(list(predictor.request_schema)), time="asked_at", facts=facts)
    for name in again.columns:
        assert late[name].equals(again[name].cast(late.schema[name]), check_names=False), name
