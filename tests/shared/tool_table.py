"""The table at the end of `make test-tools`: each exporter, how its tests ended, and what read what it writes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from mlops_lab.exporters.catalog import EXPORTERS

PROPERTY = "exporter"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Name the exporter in the report of the test, which travels from the worker to the process that prints."""
    if marker := item.get_closest_marker(PROPERTY):
        item.user_properties.append((PROPERTY, marker.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.option.markexpr == "tools":
        terminalreporter.section("what other tools said")
        for line in list_results(terminalreporter.stats):
            terminalreporter.write_line(line)


def list_results(stats: dict[str, list[object]]) -> Iterable[str]:
    """A line for each exporter: how many of its tests passed or failed, and the words of the list of exporters."""
    ended: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in stats.get(outcome, []):
            for name, tool in getattr(report, "user_properties", []):
                if name == PROPERTY:
                    ended[tool][outcome] += 1
    for exporter in EXPORTERS:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in ended[exporter.name].items())
        yield f"{exporter.name:12}{counts or 'not run':12}  {exporter.tested}"
