"""The categories of training: from the plan of LightGBM's models, and from the profile where it lists all of them."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.registry.known_texts import read_known_texts
from mlops_lab.registry.package import PROFILE_FILE, Package, Plan
from mlops_lab.registry.signing.package_files import PackageFiles


def make_plan(**categories: list[str]) -> Plan:
    request = {"city": "string?", "shop": "string", "price": "float"}
    return Plan(request=request, time="at", tables={}, features={}, categories=categories)


def test_values_are_known_where_all_of_them_are_listed(tmp_path: Path) -> None:
    profiles = {
        "city": {"edges": None, "categories": ["Bonn"], "shares": [1.0, 0.0], "null_share": 0.0},
        "shop": {"edges": None, "categories": ["a"], "shares": [0.6, 0.4], "null_share": 0.0},
        "words": {"edges": None, "categories": ["good"], "shares": [1.0, 0.0], "null_share": 0.0},
        "price": {"edges": [1.0], "categories": None, "shares": [0.5, 0.5], "null_share": 0.0},
    }
    (tmp_path / PROFILE_FILE).write_text(json.dumps(profiles))
    assert read_known_texts(Package(PackageFiles(tmp_path), make_plan(), b"")) == {"city": {"Bonn", None}}
    assert read_known_texts(Package(PackageFiles(tmp_path), make_plan(shop=["a", "b"]), b""))["shop"] == {
        "a",
        "b",
        None,
    }


def test_without_a_profile_only_the_plan_tells(tmp_path: Path) -> None:
    assert read_known_texts(Package(PackageFiles(tmp_path), make_plan(), b"")) == {}
    (tmp_path / PROFILE_FILE).write_text("{")
    assert read_known_texts(Package(PackageFiles(tmp_path), make_plan(city=["Bonn"]), b"")) == {"city": {"Bonn", None}}
