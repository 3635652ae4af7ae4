"""The online store in Redis: the same features, shared by servers; and what happens when it goes away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis_server import redis_url, start_redis
from running import mlops, serving
from synthetic import World, day_begin, live
from test_parity import play
from verifying import make_verifier

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project


def use_redis(root: Path, url: str) -> Project:
    path = root / "mlops.toml"
    path.write_text(path.read_text().replace("[serving]\n", f'[serving]\nonline_store = "{url}"\n'))
    project = load_project(root)
    assert project.settings.serving.online_store == url
    return project


def verify(project: Project) -> tuple[int, dict[str, int]]:
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    report = make_verifier(project, lake).verify_all()
    return report.predictions, report.differing


def test_the_same_features_also_after_a_kill(copy_project: Callable[[], Project], world: World) -> None:
    project = use_redis(copy_project().root, redis_url())
    with serving(project) as server:
        asked = play(server.talk(), live(world, day_begin(24), day_begin(24.5)))
        server.kill()
    with serving(project) as server:  # what it told Redis is told again, and changes nothing
        asked += play(server.talk(), live(world, day_begin(24.5), day_begin(25)))
    assert verify(project) == (asked, {})


def test_when_redis_goes_away_and_comes_back_empty(copy_project: Callable[[], Project], world: World) -> None:
    """Answers go on with what the views declare, told as such; nothing is taken for known that is not."""
    redis, url = start_redis()
    project = use_redis(copy_project().root, url)
    moments = list(live(world, day_begin(24), day_begin(25)))
    request = next(request for moment in reversed(moments) for request in moment.requests)
    with serving(project) as server:
        talk = server.talk()
        play(talk, moments[: len(moments) // 2])
        redis.kill()
        redis.wait()
        gone = talk.predict({**request, "id": "gone"})
        told = [outcome for moment in moments[len(moments) // 2 :] for outcome in moment.outcomes]
        assert talk.tell(told)["counts"]["accepted"] > 0, "what the journal has is not lost"
        again, _ = start_redis(int(url.rsplit(":", 1)[1].split("/")[0]))
        back = talk.predict({**request, "id": "back"})
        server.kill()
    for answer in (gone, back):
        assert set(answer["missing"].values()) == {"unavailable"}
    with serving(project) as server:  # filled anew from the state and the journal
        filled = server.talk().predict({**request, "id": "filled"})
        assert "unavailable" not in filled.get("missing", {}).values()
    asked, differing = verify(project)
    assert asked > 10
    assert differing == {}
    again.kill()


def test_a_redis_that_is_not_there(project: Project) -> None:
    use_redis(project.root, "redis://127.0.0.1:1/0")
    error = mlops("serve", "--port", "0", project=project.root, code=3).error
    assert error["code"] == "store_gone"
    assert "redis-server" in error["hint"]


@pytest.mark.parametrize("url", ["disk", "http://127.0.0.1"])
def test_a_store_that_there_is_not(project: Project, url: str) -> None:
    path = project.root / "mlops.toml"
    path.write_text(path.read_text().replace("[serving]\n", f'[serving]\nonline_store = "{url}"\n'))
    assert "serving.online_store" in str(mlops("status", project=project.root, code=2).error["where"])
