"""The hooks that git runs before a commit and a push, for `pre-commit install`."""

from __future__ import annotations

from mlops_lab.ci.plan import CIPlan

PATH = ".pre-commit-config.yaml"


def write_hooks(plan: CIPlan) -> str:
    """The hooks; they use what requirements.txt installs."""
    return _HOOKS + (_CONTRACT if plan.has_data and plan.checks_contract else "")


_HOOKS = """\
# Written by `mlops ci init`. `pip install pre-commit ruff mypy pytest`, then once in each clone: `pre-commit install`
default_install_hook_types: [pre-commit, pre-push]
repos:
  - repo: local
    hooks:
      - id: ruff
        name: ruff check
        entry: ruff check
        language: system
        types: [python]
      - id: mypy
        name: mypy
        entry: python -m mypy --ignore-missing-imports .
        language: system
        types: [python]
        pass_filenames: false
      - id: tests
        name: tests
        entry: python -m pytest -q
        language: system
        pass_filenames: false
        stages: [pre-push]
"""

_CONTRACT = """\
      - id: contract
        name: mlops contract check
        entry: mlops contract check
        language: system
        files: ^(mlops\\.toml|data/.*)$
        pass_filenames: false
"""
