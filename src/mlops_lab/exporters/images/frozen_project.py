"""A project that holds one version, live, with the facts that it looks up: what an image answers from."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

from mlops_lab.features.definition import Features
from mlops_lab.features.view import columns_by_table
from mlops_lab.lake import Lake
from mlops_lab.project import CONFIG_NAME, LOCAL_LAKE, Project, load_project
from mlops_lab.project.lines import find_line
from mlops_lab.registry.package import load_plan
from mlops_lab.registry.signing.keyring import keys_path
from mlops_lab.rollout.compatibility import check_version
from mlops_lab.rollout.decision_log import read_decisions, write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.rollout.deploy import deploy
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.open_lake import open_lake

PACKAGE_FOLDER = ".mlops/package"
_RULE, _REASON = "image", "it is the version of this image"


def freeze_project(project: Project, version: int, folder: Path, *, by: str) -> Project:
    """Write a version into a new folder, as a project in which it is live; the project of the folder.

    It trusts the keys that the project trusts. Of the tables that its views look up, it has the rows as of now; it has
    no log of predictions. Settings are those of mlops.toml. NotFound where there is no such version, Conflict where it
    needs what mlops.toml does not declare any more, EnvironmentFault where its package is gone or was changed.
    """
    lake = open_lake(project)
    decisions = read_decisions(lake)
    live = find_version(decisions, version)
    plan = load_plan(package_folder(project, live), fingerprint=live.fingerprint, home=project.home)
    check_version(project, decisions, version)
    folder.mkdir(parents=True)
    (folder / CONFIG_NAME).write_text(_with_own_tables(project.layers.text), encoding="utf-8")
    shutil.copytree(project.root / live.package, folder / PACKAGE_FOLDER)
    if (keys := keys_path(project.home)).exists():
        shutil.copyfile(keys, keys_path(folder / keys.parent.name))  # public keys: any user of the image may read them
    frozen = load_project(folder, flags=[*project.layers.flags, LOCAL_LAKE], environment={})
    frozen_lake = Lake(frozen.lake_path)
    for table in _tables_of(project, Features.from_dict(plan.features)):
        if lake.exists(table):
            frozen_lake.append(table, lake.read(table, as_stored=True))
    first = next(decision for decision in decisions if decision.version == version and "package" in decision.evidence)
    evidence = {**first.evidence, "package": PACKAGE_FOLDER}
    decision = Decision(first.at, DecisionKind.BOOTSTRAP, version, _RULE, _REASON, by, evidence)
    frozen_lake = open_lake(frozen)
    write_decision(frozen_lake, decision, earlier=0)
    deploy(frozen, frozen_lake, decisions=[decision], state=fold([decision]))
    kept = {frozen.deployment_path, keys_path(frozen.home)}
    for path in frozen.home.iterdir():
        if path.is_file() and path not in kept:  # locks and notes of the loop
            path.unlink()
    return frozen


def _with_own_tables(text: str) -> str:
    """The settings without the address of an object store: the tables of an image are in it."""
    if "uri" not in tomllib.loads(text).get("lake", {}):
        return text
    number = find_line(text, ("lake", "uri"))
    assert number is not None
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: number - 1], *lines[number:]])


def _tables_of(project: Project, features: Features) -> list[str]:
    """The tables whose rows its views look up. Facts of the source table are also among the outcomes."""
    tables = sorted(columns_by_table(features.views))
    return [*tables, *([OUTCOMES.name] if project.settings.source.table in tables else [])]
