"""The workflow of a project on GitHub: one file, with a job for a pull request, for main and for the schedule."""

from __future__ import annotations

from mlops_lab.ci.plan import CIPlan

PATH = ".github/workflows/mlops.yml"


def write_workflow(plan: CIPlan) -> str:
    """The workflow. Steps that read the data run only where it is at hand."""
    when = "" if plan.has_data else "if: env.HAS_DATA == 'true'\n        "
    contract = f"\n      - {when}run: mlops contract check" if plan.checks_contract else ""
    return _WORKFLOW.format(
        outside="" if plan.has_data else _OUTSIDE,
        cron=plan.cron,
        setup=_SETUP,
        contract=contract,
        when=when,
        also="" if plan.has_data else " && env.HAS_DATA == 'true'",
        restore=_RESTORE.format(when=when),
        save=_SAVE.format(when=when),
    )


_WORKFLOW = """\
# Written by `mlops ci init --provider github`, which writes it again after a change of the project: see docs/ci.md of
# MLOps Lab. A pull request is checked, and its model judged against the live champion; nothing is registered. On main a
# candidate is trained, and its rollout begins if it passes its gates; the schedule takes the rollout on, by its rules.
name: mlops

on:
  push:
  pull_request:
  schedule:
    - cron: "{cron}"
  workflow_dispatch:

permissions:
  contents: read

{outside}jobs:
  check:
    if: github.event_name != 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v5
        with:
          fetch-depth: 0  # with the branch that a pull request is compared with
{setup}
      - run: ruff check .
      - run: python -m mypy --ignore-missing-imports .{contract}
      - if: github.base_ref
        run: mlops contract diff --against "origin/$BASE"
        env:
          BASE: ${{{{ github.base_ref }}}}
      - run: python -m pytest

  validate:
    needs: check
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v5
{setup}
{restore}
      - {when}run: mlops validate --report validation.md
      - if: always(){also}
        uses: actions/upload-artifact@v6
        with:
          name: validation
          path: validation.md
          if-no-files-found: ignore

  run:
    needs: check
    if: github.event_name != 'pull_request' && github.ref_name == github.event.repository.default_branch
    runs-on: ubuntu-latest
    timeout-minutes: 60
    concurrency: mlops-state
    steps:
      - uses: actions/checkout@v5
{setup}
{restore}
      - {when}env:
          MLOPS_SIGNING_KEY: ${{{{ secrets.MLOPS_SIGNING_KEY }}}}  # without it, .mlops has a key of its own
        run: mlops run || test $? -eq 1  # 1: the candidate was refused, which is a decision like any other
{save}

  tick:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 60
    concurrency: mlops-state
    steps:
      - uses: actions/checkout@v5
{setup}
{restore}
      - {when}env:
          MLOPS_SIGNING_KEY: ${{{{ secrets.MLOPS_SIGNING_KEY }}}}
        run: mlops tick
{save}
"""

_SETUP = """\
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: pip install -r requirements.txt pytest ruff mypy"""

_RESTORE = """\
      - {when}uses: actions/cache/restore@v5
        with:
          path: .mlops
          key: mlops-state-${{{{ github.run_id }}}}
          restore-keys: mlops-state-"""

_SAVE = """\
      - {when}uses: actions/cache/save@v5
        with:
          path: .mlops
          key: mlops-state-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}"""

_OUTSIDE = """\
env:
  # The data that mlops.toml names is not in this repository, so nothing here reads it. Once a step below brings it
  # (and another place is named in MLOPS_SOURCE__DATA), make this "true": the data is checked, models are trained.
  HAS_DATA: "false"

"""
