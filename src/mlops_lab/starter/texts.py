"""Files of a new project that hardly depend on its data."""

from __future__ import annotations

GITIGNORE = """\
# What the loop leaves behind: tables, runs, packages, the token
.mlops/
report.html

__pycache__/
*.py[cod]
.pytest_cache/
.venv/
"""

TEST = '''\
"""The project holds together: the pipeline fits the fields, and the data keep the contract."""

from pathlib import Path

from mlops_lab.clock import now
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import load_project
from mlops_lab.training.pipeline import load_pipeline

project = load_project(Path(__file__).parents[1])


def test_the_pipeline_reads_what_a_request_has():
    features = load_pipeline(project).features
    source = project.settings.source
    known = {*source.request, source.time, *(name for view in features.views for name in view.values)}
    assert {*features.inputs} - {*features.derived} <= known
    assert {*features.roots} <= known
    assert source.label not in features.inputs


def test_the_data_keep_the_contract(tmp_path):
    lake = Lake(tmp_path)
    load_sources(project, lake, now=now(), received_at=now())
    assert lake.read(project.settings.source.table).height > 0
'''

WORKFLOW = """\
# On every push: the data keep the contract, the tests pass, and a model is trained that passes its gates.
name: mlops

on:
  push:
  pull_request:
  workflow_dispatch:

permissions:
  contents: read

jobs:
  project:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "mlops-lab{extra}" pytest
{outside}{contract}      - run: pytest
      - run: mlops run
"""

README = """\
# {name}

Predicts `{target}`: {task}. Made by `mlops init`; every line of it may be edited.

```
mlops run                    train on all that is known, test, start a rollout, or say why not
mlops up                     server, loop and page together
mlops status                 what is live, how it does, what is waiting for what
mlops contract check         everything in the data that breaks the contract
pytest                       the project holds together
```

A request, made of the last row of the data:

```
curl -s http://127.0.0.1:8321/v1/predict -d '{example}'
```

What became of it, when it is known (`ID` is in the answer; the token is in `.mlops/token`):

```
curl -s http://127.0.0.1:8321/v1/outcomes -H "Authorization: Bearer $(cat .mlops/token)" \\
  -d '{{"outcomes": [{{"id": "ID", "known_at": "'$(date -u +%FT%TZ)'", {outcome}}}]}}'
```

| file | what it says |
|---|---|
| `mlops.toml` | where the data is, which fields a request has, what an outcome brings, the limits |
| `pipeline.py` | features and model |
| `tests/test_project.py` | that the two fit each other and the data |
| `.github/workflows/mlops.yml` | the same on every push |
"""
