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
| `.github/workflows/mlops.yml` | checks every change, trains on main, ticks by schedule |
| `.pre-commit-config.yaml` | checks before a commit: `pip install pre-commit`, `pre-commit install` |
"""
