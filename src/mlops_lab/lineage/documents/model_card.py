"""The model card: README.md with a head in YAML, in the format of Hugging Face."""

from __future__ import annotations

from typing import Any

import yaml

from mlops_lab.lineage.documents.held_out_figures import read_held_out_figures
from mlops_lab.lineage.documents.known_limits import list_limits
from mlops_lab.lineage.documents.live_figures import CALIBRATION, QUALITY, SLICES, LiveFigure
from mlops_lab.lineage.documents.markdown import escape, write_list, write_table
from mlops_lab.lineage.documents.version_facts import VersionFacts
from mlops_lab.monitoring.profile import Profile

FILE = "README.md"
_PIPELINE_TAGS = {"regression": "tabular-regression"}
_LIBRARIES = {"forest": "lightgbm", "skops": "sklearn"}
"""By engine, where the library has another name."""


def make(facts: VersionFacts) -> dict[str, bytes]:
    """The card: metadata for machines, then the same and more for people."""
    head = yaml.safe_dump(make_metadata(facts), sort_keys=False, allow_unicode=True, width=2**20)
    return {FILE: f"---\n{head}---\n\n{write_body(facts)}\n".encode()}


def write_body(facts: VersionFacts) -> str:
    """The card for people, as Markdown."""
    sections = [
        f"# {escape(facts.title)}",
        "",
        *_summary(facts),
        *_training(facts),
        *_inputs(facts),
        *_held_out(facts),
        *_live(facts),
        *_gates(facts),
        *_decisions(facts),
        "## Known limits",
        "",
        *write_list(list_limits(facts)),
        *_environment(facts),
    ]
    return "\n".join(sections).rstrip()


def make_metadata(facts: VersionFacts) -> dict[str, Any]:
    """The head of the card."""
    metadata: dict[str, Any] = {}
    if facts.license:
        metadata |= _license(facts.license)
    task = _PIPELINE_TAGS.get(facts.plan.task, "tabular-classification")
    metadata |= {
        "library_name": _LIBRARIES.get(facts.plan.engine, facts.plan.engine),
        "pipeline_tag": task,
        "tags": ["tabular", facts.plan.task, "mlops-lab"],
    }
    if figures := read_held_out_figures(facts):
        metadata["metrics"] = list(figures)
        dataset = {
            "name": f"{facts.project}, rows held out at the training",
            "type": facts.project,
            "split": "held_out",
            "revision": ", ".join(table.snapshot.name for table in facts.tables),
        }
        results = [{"type": name, "value": value} for name, value in figures.items()]
        metadata["model-index"] = [
            {
                "name": facts.title,
                "results": [{"task": {"type": task}, "dataset": dataset, "metrics": results}],
            }
        ]
    return metadata


def _license(expression: str) -> dict[str, str]:
    """Hugging Face has a list of licences in small letters; others, and combinations, have a name."""
    if " " in expression:
        return {"license": "other", "license_name": expression}
    return {"license": expression.lower()}


def _summary(facts: VersionFacts) -> list[str]:
    origin, plan = facts.origin, facts.plan
    rows: list[tuple[str, object]] = [
        ("task", plan.task),
        ("predicts", facts.label),
        *([("classes", ", ".join(plan.classes))] if plan.classes else []),
        ("engine", plan.engine),
        ("license", facts.license or "none is declared"),
        ("trained", facts.trained_at.isoformat()),
        ("package", origin.fingerprint),
        ("run", origin.run_id),
        ("code", f"commit {origin.commit}, files {origin.code}"),
    ]
    return write_table(["what", "value"], rows)


def _training(facts: VersionFacts) -> list[str]:
    origin = facts.origin
    spans = [(table, table.column(facts.time)) for table in facts.tables]
    first = min((column.smallest for _, column in spans if column and column.smallest), default="unknown")
    window = [("window", origin.window)] if not origin.window_losses else [("window", _window(facts))]
    rows = [
        ("rows", f"{origin.rows:,}"),
        ("from", first),
        ("before", origin.cutoff),
        *window,
        ("fingerprint of the rows", origin.training_set),
    ]
    snapshots = [
        (table.snapshot.name, f"{table.snapshot.rows:,}", len(table.columns), table.snapshot.fingerprint)
        for table in facts.tables
    ]
    return [
        "## Training data",
        "",
        *write_table(["what", "value"], rows),
        *write_table(["table at a version", "rows", "columns", "fingerprint"], snapshots),
    ]


def _window(facts: VersionFacts) -> str:
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in facts.origin.window_losses.items())
    return f"{facts.origin.window} (mean loss on later days: {losses})"


def _inputs(facts: VersionFacts) -> list[str]:
    views = {value: view for view in facts.plan.features["views"] for value in view["values"]}
    derived = facts.plan.features["derived"]

    def source(name: str) -> str:
        if name in derived:
            return "computed"
        if name in views:
            how, column, _ = views[name]["values"][name]
            over = f" over {views[name]['over']}" if views[name]["over"] else ""
            return f"{how} of {views[name]['table']}.{column}{over}"
        return "request"

    rows = [(name, source(name), *_distribution(facts.profiles[name])) for name in facts.origin.inputs]
    return ["## Inputs", "", *write_table(["input", "from", "values in training", "missing"], rows)]


def _distribution(profile: Profile) -> tuple[str, str]:
    if profile.categories is not None:
        few = ", ".join(profile.categories[:5])
        values = f"{few}, and {len(profile.categories) - 5} more" if len(profile.categories) > 5 else few
    elif profile.sample:
        values = f"{profile.sample[0]:g} to {profile.sample[-1]:g}"
    else:
        values = "numbers"
    return values, f"{profile.null_share:.2%}"


def _held_out(facts: VersionFacts) -> list[str]:
    rows = [(name, f"{value:.6g}") for name, value in read_held_out_figures(facts).items()]
    body = write_table(["measure", "value"], rows) if rows else ["Nothing was measured.", ""]
    return ["## Quality on rows held out at the training", "", *body]


def _live(facts: VersionFacts) -> list[str]:
    return [
        "## Quality of its answers",
        "",
        *_live_table(facts, "measure", QUALITY),
        *_live_table(facts, "calibration: truth less answer", CALIBRATION),
        *[line for monitor, meaning in SLICES.items() for line in _live_table(facts, f"group: {meaning}", monitor)],
        *([] if facts.live else ["It has given no answer yet whose outcome is known.", ""]),
    ]


def _live_table(facts: VersionFacts, head: str, monitor: str) -> list[str]:
    figures = [figure for figure in facts.live if figure.monitor == monitor]
    columns = [head, "mean", "lowest day", "highest day", "days", "outcomes"]
    return write_table(columns, [_live_row(figure) for figure in figures]) if figures else []


def _live_row(figure: LiveFigure) -> tuple[object, ...]:
    values = (f"{value:.6g}" for value in (figure.value, figure.lowest, figure.highest))
    outcomes = "" if figure.monitor in SLICES else f"{figure.outcomes:,}"
    return (figure.name or "all", *values, figure.days, outcomes)


def _gates(facts: VersionFacts) -> list[str]:
    rows = [(gate.gate, "passed" if gate.passed else "failed", gate.reason) for gate in facts.gates]
    return ["## Gates", "", *write_table(["gate", "verdict", "reason"], rows)]


def _decisions(facts: VersionFacts) -> list[str]:
    rows = [
        (item.at.isoformat(), str(item.what), item.rule, item.reason, item.by, _figures(item.evidence))
        for item in facts.decisions
    ]
    return ["## Decisions", "", *write_table(["when", "what", "rule", "reason", "by", "evidence"], rows)]


def _figures(evidence: dict[str, Any]) -> str:
    """The numbers of a decision's evidence."""
    numbers = {name: value for name, value in evidence.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:.6g}" for name, value in sorted(numbers.items()))


def _environment(facts: VersionFacts) -> list[str]:
    environment = facts.environment
    machine = " ".join(filter(None, (environment.system, environment.machine, environment.libc)))
    rows = [
        ("Python", f"{environment.implementation} {environment.python}".strip() or "not recorded"),
        ("machine", machine or "not recorded"),
        ("packages", len(environment.packages)),
        ("fingerprint", facts.origin.environment),
    ]
    return ["## Environment", "", *write_table(["what", "value"], rows)]
