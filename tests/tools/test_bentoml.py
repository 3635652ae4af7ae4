"""What is exported for BentoML, built and served by it in an environment of its own: the server's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from peer_servers import ROWS, peer_server, post
from tool_runs import export, run

from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("bentoml"), pytest.mark.timeout(600)]
SERVE = ["bentoml", "serve", "parcels:latest", "--host", "127.0.0.1", "--port", "{port}"]


def test_a_bento_gives_the_answers_of_our_server(live_project: Project, answers: list[float], tmp_path: Path) -> None:
    folder = export("bentoml", live_project.root)
    own = {"BENTOML_HOME": str(tmp_path / "bentos"), "BENTOML_DO_NOT_TRACK": "True"}
    assert "Successfully built" in run(["bentoml", "build"], folder, tool="bentoml", **own).stdout
    away = tmp_path / "elsewhere"
    away.mkdir()
    with peer_server(SERVE, away, tool="bentoml", ready="/readyz", **own) as url:
        assert post(f"{url}/predict", {"rows": ROWS}) == (200, answers)
        assert post(f"{url}/predict", {"rows": []}) == (200, [])
        bare = {name: value for name, value in ROWS[2].items() if value is not None}
        assert post(f"{url}/predict", {"rows": [ROWS[0], bare]}) == (200, [answers[0], answers[2]])
        status, error = post(f"{url}/predict", {"rows": [ROWS[0], {**ROWS[0], "items": 3.5}]})
        assert status == 400
        assert "rows[1]: items: 3.5 is not an integer" in json.dumps(error)
        assert post(f"{url}/predict", {"rows": [{"depot": "b"}]})[0] == 400
