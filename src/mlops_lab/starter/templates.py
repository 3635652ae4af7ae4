"""Templates of the files of a new project that depend little on its data."""

from __future__ import annotations

GITIGNORE = """\
# Written by the loop: tables, runs, packages, the token
.mlops/
report.html

__pycache__/
*.py[cod]
.pytest_cache/
.venv/
"""

TEST = '''\
"""The project is consistent: the pipeline uses only known fields, and the data keeps the contract."""

import os
from pathlib import Path

import pytest
from mlops_lab.starter.checks import count_valid_rows, find_pipeline_problems

FOLDER = Path(__file__).parents[1]


def test_the_pipeline_uses_only_what_a_request_has():
    assert find_pipeline_problems(FOLDER) == []


@pytest.mark.skipif(os.environ.get("HAS_DATA") == "false", reason="the data is on another machine: see the workflow")
def test_the_data_keeps_the_contract(tmp_path):
    assert count_valid_rows(FOLDER, lake_folder=tmp_path) > 0
'''

WORKFLOW = """\
# On every push: check the data against the contract, run the tests, and train a model, which must pass its gates.
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
{outside}    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0  # with the branch that a pull request is compared with
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install -r requirements.txt pytest
{contract}      - if: github.base_ref
        run: mlops contract diff --against "origin/$BASE"
        env:
          BASE: ${{{{ github.base_ref }}}}
      - run: python -m pytest
{run}"""

STEP = "      - run: {command}\n"
STEP_WITH_DATA = "      - if: env.HAS_DATA == 'true'\n        run: {command}\n"

OUTSIDE = """\
    env:
      # The data that mlops.toml names is not in this repository, so nothing here reads it. Once a step below brings it
      # (and another place is named in MLOPS_SOURCE__DATA), make this "true": the data is checked, a model is trained.
      HAS_DATA: "false"
"""

REQUIREMENTS = """\
# MLOps Lab: {reason}.
{line}
"""

README = """\
# {name}

Predicts `{target}`: {task}. Written by `mlops init`; you can edit every line.{about}

```sh
pip install -r requirements.txt pytest
mlops run                    # train on all data, test, then start a rollout or say why not
mlops up                     # start server and loop together; GET / of the server says what is there
mlops status                 # what is live, how good it is, what happens next
mlops contract check         # list everything in the data that breaks the contract
python -m pytest             # check that the project is consistent
```

A request, taken from the last row of the data:

```sh
curl -s http://127.0.0.1:8321/v1/predict -d '{example}'
```

Submit the outcome once it is known (`ID` is in the response to the request; the token is in `.mlops/token`):

```sh
curl -s http://127.0.0.1:8321/v1/outcomes -H "Authorization: Bearer $(cat .mlops/token)" \\
  -d '{{"outcomes": [{{"id": "ID", "known_at": "'$(date -u +%FT%TZ)'", {outcome}}}]}}'
```

| file | contents |
|---|---|
| `mlops.toml` | the data, the fields of a request and of an outcome, limits |
| `pipeline.py` | the features and the model |
| `tests/test_project.py` | a test that these two fit each other and the data |
| `requirements.txt` | MLOps Lab as it was installed when this was written{wheel} |
| `.github/workflows/mlops.yml` | runs the checks on every push |
"""
