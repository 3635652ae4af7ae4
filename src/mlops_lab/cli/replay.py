"""`mlops replay ID` and `mlops replay --sample N`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.cli.summary import NONE, make_table
from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.lineage.records import PredictionReplay, SampleReplay
from mlops_lab.lineage.replay import explain_difference, replay_prediction, replay_sample


def command(
    prediction_id: Annotated[str | None, typer.Argument(metavar="ID", help="The id of a prediction.")] = None,
    other: Annotated[int | None, typer.Option("--with", metavar="VERSION", help="Ask this version, too.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="N random predictions instead of one.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw the sample of that seed.", show_default="random")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Answer a logged prediction again: from the logged inputs, and from the facts as of its time.

    Exit code 1 where an input or an output is not the same. With --with: also what another version would have said.
    """
    if (prediction_id is None) == (sample is None):
        raise InvalidInput(
            "give either a prediction or the size of a sample",
            code="nothing_to_replay",
            where="ID, --sample",
            hint="`mlops replay ID` or `mlops replay --sample 100`",
        )
    if sample is not None and other is not None:
        raise InvalidInput(
            "needs one prediction", code="bad_option", where="--with", hint=f"`mlops replay ID --with {other}`"
        )
    opened = open_project(project)
    if prediction_id is not None:
        replayed = replay_prediction(opened, prediction_id, other=other)
        print_record(replayed) if json else render_prediction(replayed, Console())
        if not replayed.equal:
            refuse(
                Refused(
                    f"{prediction_id} is not answered as it was logged",
                    code="parity",
                    hint=explain_difference(opened),
                )
            )
        return
    assert sample is not None
    drawn = replay_sample(opened, sample, seed=seed)
    print_record(drawn) if json else render_sample(drawn, Console())
    if drawn.equal < drawn.predictions:
        differing = f"{len(drawn.differing):,} differ" if drawn.differing else "none differs"
        refuse(
            Refused(
                f"{drawn.equal:,} of {drawn.predictions:,} predictions are answered as they were logged; {differing}",
                code="parity",
                hint=f"`mlops replay {drawn.differing[0]}` shows one, and why"
                if drawn.differing
                else "the table has the reasons",
            )
        )


def render_prediction(replayed: PredictionReplay, out: Console) -> None:
    """Print inputs and outputs: logged, computed again, and those of the other version."""
    other = replayed.other
    verdict = "the same" if replayed.equal else "NOT the same"
    how = f"within {replayed.tolerance:.2g}" if replayed.tolerance else "to the last bit"
    out.print(f"{replayed.id} at {replayed.at}, version {replayed.version}: {verdict} {how}", soft_wrap=True)
    headers = ["", "logged", "from the facts", *([f"version {other.version}"] if other else [])]
    table = make_table(*headers)
    for column in table.columns:
        column.overflow = "fold"  # every digit counts
    names = [entry.name for entry in replayed.inputs]
    for entry in replayed.inputs:
        values = [entry.logged, entry.from_facts, *([other.inputs.get(entry.name)] if other else [])]
        table.add_row(f"{entry.name}{'' if entry.equal else ' !'}", *map(_text, values))
    for name in other.inputs if other else ():
        if name not in names:
            table.add_row(name, NONE, NONE, _text(other.inputs[name] if other else None))
    table.add_section()
    answer = [] if other is None else [other.refusal or _text(other.output)]
    table.add_row("output", _text(replayed.logged), _text(replayed.from_facts), *answer)
    table.add_row("from logged inputs", _text(replayed.from_log), *([""] * (len(headers) - 2)))
    out.print(table)


def render_sample(drawn: SampleReplay, out: Console) -> None:
    """Print by version how many are equal, and what differs."""
    out.print(f"{drawn.predictions:,} random predictions (--seed {drawn.seed}): {drawn.equal:,} equal")
    table = make_table(">version", ">predictions", ">equal", ">differing", "not answered again")
    for version in drawn.versions:
        figures = (version.predictions, version.equal, version.differing)
        table.add_row(str(version.version), *(f"{figure:,}" for figure in figures), version.reason or "")
    out.print(table)
    for name, count in drawn.by_input.items():
        out.print(f"{name}: differs in {count:,}", highlight=False)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return NONE if value is None else repr(value) if isinstance(value, float) else str(value)
