"""The pipeline of a project on GitLab: jobs for a merge request, for the default branch and for a schedule."""

from __future__ import annotations

from mlops_lab.ci.plan import CIPlan

PATH = ".gitlab-ci.yml"


def write_pipeline(plan: CIPlan) -> str:
    """The pipeline. What reads the data runs only where it is at hand."""
    return _PIPELINE.format(
        outside="" if plan.has_data else _OUTSIDE,
        contract="\n    - mlops contract check" if plan.checks_contract and plan.has_data else "",
        also="" if plan.has_data else ' && $HAS_DATA == "true"',
        cron=plan.cron,
    )


_PIPELINE = """\
# Written by `mlops ci init --provider gitlab`, which writes it again after a change of the project: see docs/ci.md of
# MLOps Lab. A merge request is checked, and its model judged against the live champion; nothing is registered. On the
# default branch a candidate is trained, and its rollout begins if it passes its gates. A pipeline schedule (make one
# with "{cron}", under Build, Pipeline schedules) takes the rollout on, by its rules.
stages: [check, validate, run]

{outside}default:
  image: python:3.12
  timeout: 1h
  before_script:
    - pip install -r requirements.txt pytest ruff mypy

.state:
  cache:
    key: mlops-state
    paths: [.mlops/]
    policy: pull

.writes_state:
  resource_group: mlops-state
  cache:
    key: mlops-state
    paths: [.mlops/]
    policy: pull-push

check:
  stage: check
  variables:
    GIT_DEPTH: "0"
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - ruff check .
    - python -m mypy --ignore-missing-imports .{contract}
    - |
      if [ -n "$CI_MERGE_REQUEST_DIFF_BASE_SHA" ]; then
        mlops contract diff --against "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
      fi
    - python -m pytest

validate:
  stage: validate
  extends: .state
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"{also}
  script:
    - mlops validate --report validation.md
  artifacts:
    when: always
    paths: [validation.md]

run:
  stage: run
  extends: .writes_state
  rules:
    - if: $CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH{also}
  script:
    - mlops run || test $? -eq 1  # 1: the candidate was refused, which is a decision like any other

tick:
  stage: run
  extends: .writes_state
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"{also}
  script:
    - mlops tick
"""

_OUTSIDE = """\
variables:
  # The data that mlops.toml names is not in this repository, so nothing here reads it. Once a step below brings it
  # (and another place is named in MLOPS_SOURCE__DATA), make this "true": models are trained.
  HAS_DATA: "false"

"""
