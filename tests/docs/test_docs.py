"""What the README and the configuration page say is so."""

import re
from pathlib import Path

import msgspec
import pytest

from mlops_lab import project as settings
from mlops_lab.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECTIONS = {
    "project": settings.ProjectSection,
    "source": settings.SourceSection,
    "tables.NAME": settings.TableSection,
    "contract": settings.ContractSection,
    "backtest": settings.BacktestSection,
    "gates": settings.GatesSection,
    "rollout": settings.RolloutSection,
    "triggers": settings.TriggersSection,
    "serving": settings.ServingSection,
}


def test_readme_is_short_and_offers_the_two_commands() -> None:
    assert len(README.splitlines()) <= 150
    assert "make demo" in README
    assert "make test" in README


def test_readme_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_command_is_in_the_readme_and_the_other_way_round() -> None:
    listed = re.search(r"```\n(mlops run .*?)```", README, re.DOTALL)
    assert listed
    named = {word for line in listed[1].splitlines() for word in re.findall(r"(?:^mlops|\|) (\w+)", line[:28])}
    assert named == COMMANDS.keys() - {"demo"}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_configuration_page_names_every_key_with_its_default(section: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    begin = page.index(f"## [{section}]")
    table = page[begin : page.find("\n## ", begin + 1) if "\n## " in page[begin + 1 :] else None]
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
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
