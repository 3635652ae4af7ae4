"""What the README and the configuration page say is so."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from mlops_lab.cli.main import COMMANDS
from mlops_lab.project.ab_section import ABSection
from mlops_lab.project.approval_section import ApprovalSection
from mlops_lab.project.declaration import ContractSection, FieldSection, SourceSection, TableSection
from mlops_lab.project.monitors_section import MonitoringSection, MonitorSection
from mlops_lab.project.readiness_section import ReadinessSection
from mlops_lab.project.schema import json_schema
from mlops_lab.project.sections import (
    AlertsSection,
    BacktestSection,
    GatesSection,
    GuardrailsSection,
    LakeSection,
    ModelSection,
    ProjectSection,
    RolloutSection,
    ServingSection,
    TrackingSection,
    TrainingSection,
    TriggersSection,
)

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECTIONS = {
    "approval": ApprovalSection,
    "project": ProjectSection,
    "source": SourceSection,
    "tables.NAME": TableSection,
    "contract": ContractSection,
    "lake": LakeSection,
    "model": ModelSection,
    "training": TrainingSection,
    "tracking": TrackingSection,
    "backtest": BacktestSection,
    "gates": GatesSection,
    "rollout": RolloutSection,
    "guardrails": GuardrailsSection,
    "triggers": TriggersSection,
    "ab": ABSection,
    "alerts": AlertsSection,
    "monitoring": MonitoringSection,
    "monitors": MonitorSection,
    "readiness": ReadinessSection,
    "serving": ServingSection,
}


def test_readme_is_short_and_offers_the_two_commands() -> None:
    assert len(README.splitlines()) <= 200
    assert "make demo" in README
    assert "make test" in README


def test_readme_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_command_is_in_the_readme_and_the_other_way_round() -> None:
    listed = re.findall(r"^\| `mlops (\w+)[^`]*` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS.keys() - {"demo"})


@pytest.mark.parametrize("page", ["README.md", "docs/page.md"])
def test_pictures_are_there_and_small(page: str) -> None:
    pictures = re.findall(r"!\[.+\]\((.+\.png)\)", (ROOT / page).read_text())
    assert len(pictures) >= 2
    for picture in pictures:
        assert 10_000 < (ROOT / page).parent.joinpath(picture).stat().st_size < 100_000


@pytest.mark.parametrize("section", SECTIONS)
def test_the_configuration_page_names_every_key_with_its_default_and_meaning(section: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    begin = page.index(f"## [{section}]")
    table = page[begin : page.find("\n## ", begin + 1) if "\n## " in page[begin + 1 :] else None]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", table, re.MULTILINE)
    told = {name: default for name, default, _ in rows}
    properties = json_schema()["$defs"][SECTIONS[section].__name__]["properties"]
    assert {name: meaning for name, _, meaning in rows} == {name: of["description"] for name, of in properties.items()}
    fields = msgspec.structs.fields(SECTIONS[section])
    assert told.keys() == {field.name for field in fields}
    for field in fields:
        default = field.default if field.default is not msgspec.NODEFAULT else None
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if field.required:
            assert told[field.name] == "required"
        elif default is None:
            assert told[field.name] == "none"
        else:
            assert told[field.name].strip("`") == msgspec.json.encode(default).decode()


def test_the_schema_for_editors_is_that_of_the_types_and_says_what_every_key_means() -> None:
    published = json.loads((ROOT / "docs" / "mlops.schema.json").read_text())
    assert published == json_schema(), "make schema"
    assert published["properties"].keys() == {name.split(".")[0] for name in SECTIONS}
    assert published["$defs"].keys() == {one.__name__ for one in (*SECTIONS.values(), FieldSection)}
    for section in (published, *published["$defs"].values()):
        assert section["additionalProperties"] is False
        assert section["description"]
    for section in published["$defs"].values():
        assert all(key["description"] for key in section["properties"].values())
