"""From a fitted model to what serves it: the fastest engine that agrees with the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.engines.base import ModelFile
from mlops_lab.registry.engines.open import open_model
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import PLAN_FILE, Plan, write_plan
from mlops_lab.registry.trust import Trust
from mlops_lab.training.agreement import (
    BESIDE,
    CORNERS,
    DATA,
    ONE_BY_ONE,
    THRESHOLDS,
    Agreement,
    AgreementPart,
    TriedEngine,
    add_up,
    tolerance_of,
)
from mlops_lab.training.comparison import ComparisonData, compare, make_comparison_data
from mlops_lab.training.convert import CHOICES
from mlops_lab.training.engine_options import TrainedModel, find_engine_options
from mlops_lab.training.fit import Fitted
from mlops_lab.training.libraries import is_lightgbm
from mlops_lab.training.thresholds import ThresholdRows, threshold_rows
from mlops_lab.training.trees import find_trees

MUCH_FASTER = 0.8
"""An engine is chosen over an earlier one only where a row takes it less than this share of the time: timings vary."""
_KINDS = {
    DATA: "training rows", CORNERS: "rows with nulls or texts never seen", THRESHOLDS: "rows at split thresholds",
    BESIDE: "rows one step of float32 beside training rows", ONE_BY_ONE: "rows asked one by one",
}  # fmt: skip


@dataclass(frozen=True)
class Packaged:
    """The part of a package that holds the model: the plan, the file that its engine reads, and the report."""

    plan: Plan
    model: bytes
    agreement: Agreement

    def write(self, folder: Path) -> None:
        """Write what answers: a new folder with the plan and the model."""
        folder.mkdir()
        (folder / model_file(self.plan.engine)).write_bytes(self.model)
        (folder / PLAN_FILE).write_bytes(write_plan(self.plan))


class NoEngineAgrees(Refused):
    """No engine agrees with the trained model, so there is nothing to register. `tried` has the reason of each."""

    def __init__(self, tried: list[TriedEngine], *, hint: str | None) -> None:
        super().__init__(
            "no engine answers like the model: " + "; ".join(f"{entry.engine} {entry.reason}" for entry in tried),
            code="no_engine_agrees",
            where="pipeline.py, model()",
            hint=hint,
        )
        self.tried = tried


@dataclass(frozen=True)
class _Trials:
    """The engines that were tried, the files that could be written, and the faults of those that could not."""

    tried: list[TriedEngine]
    models: dict[str, bytes]
    faults: list[InvalidInput]


def package(
    fitted: Fitted, plan: Plan, inputs: pl.DataFrame, *, trust: Trust | None = None, try_all: bool = False
) -> Packaged:
    """The fitted model, served by the fastest engine that agrees with it on its training inputs and on edge cases;
    `plan` is complete but for the engine.

    Engines are tried in the order of their speed; those after one that agrees only where `try_all`. InvalidInput where
    no engine can read the model at all, with the reasons and the choices; NoEngineAgrees where those that can read it
    answer otherwise.
    """
    trust = trust or Trust()
    plan = replace(plan, texts=[name for name, dtype in inputs.schema.items() if dtype == pl.String])
    at_thresholds = _find_threshold_rows(fitted, inputs)
    mapping = OutputMapping(plan)
    data = make_comparison_data(
        inputs,
        lambda rows: mapping.of_rows(fitted.predict(rows)),
        threshold_rows=at_thresholds.rows,
        training_answers=None if fitted.training_answers is None else mapping.of_rows(fitted.training_answers),
        scale=plan.scale,
    )
    trials = _try_engines(TrainedModel(fitted.estimator, inputs, fitted.categories, trust), plan, data, try_all=try_all)
    chosen = _fastest(trials.tried)
    if chosen is None:
        raise _refuse(trials)
    total = add_up(list(chosen.parts.values()))
    agreement = Agreement(
        engine=chosen.engine, rows=total.rows, differing=total.differing, largest=total.largest,
        tolerance=chosen.tolerance, data_rows=inputs.height, splits=at_thresholds.splits,
        splits_in_all=at_thresholds.splits_in_all, tried=trials.tried,
    )  # fmt: skip
    return Packaged(replace(plan, engine=chosen.engine), trials.models[chosen.engine], agreement)


def _find_threshold_rows(fitted: Fitted, inputs: pl.DataFrame) -> ThresholdRows:
    if isinstance(fitted.estimator, Path):
        return threshold_rows([], inputs, in_float32=True)
    ensembles = find_trees(fitted.estimator, fitted.to_input)
    return threshold_rows(ensembles, inputs, in_float32=not is_lightgbm(fitted.estimator))


def _try_engines(model: TrainedModel, plan: Plan, data: ComparisonData, *, try_all: bool) -> _Trials:
    """Write the model for each engine and compare it."""
    trials = _Trials([], {}, [])
    for option in find_engine_options(model):
        agreeing = next((entry.engine for entry in trials.tried if entry.agrees), None)
        if agreeing and not try_all:
            reason = f"not tried: {agreeing} agrees and is known to be faster (`[model] try_all` tries all)"
            trials.tried.append(TriedEngine(engine=option.engine, agrees=None, reason=reason))
            continue
        try:
            content = option.write(model)
        except InvalidInput as error:
            trials.faults.append(error)
            reason = f"not possible: {error.what}"
            trials.tried.append(TriedEngine(engine=option.engine, agrees=None, reason=reason))
            continue
        trials.models[option.engine] = content
        trials.tried.append(_try_engine(content, replace(plan, engine=option.engine), data, model.trust))
    return trials


def _try_engine(content: bytes, plan: Plan, data: ComparisonData, trust: Trust) -> TriedEngine:
    try:
        engine = open_model(ModelFile(Path(model_file(plan.engine)), content), plan, trust=lambda: trust)
        parts, micros = compare(engine, OutputMapping(plan), data)
    except Exception as error:  # of any library: an engine that fails does not agree
        reason = f"fails: {(str(error).splitlines() or [type(error).__name__])[0][:300]}"
        return TriedEngine(engine=plan.engine, agrees=False, reason=reason)
    total = add_up(list(parts.values()))
    return TriedEngine(
        engine=plan.engine,
        agrees=not total.differing,
        reason=_describe_differences(parts) if total.differing else _describe_agreement(total, micros),
        tolerance=tolerance_of(engine),
        parts=parts,
        micros=micros,
    )


def _fastest(tried: list[TriedEngine]) -> TriedEngine | None:
    """The fastest of those that agree; an earlier one where a later one is not much faster."""
    best: TriedEngine | None = None
    for entry in tried:
        if entry.agrees and (best is None or (entry.micros or 0.0) < MUCH_FASTER * (best.micros or 0.0)):
            best = entry
    return best


def _refuse(trials: _Trials) -> InvalidInput | NoEngineAgrees:
    """One error for all engines, with the hint of the last that could not be written: that one the user can fix."""
    faults = trials.faults
    hint = faults[-1].hint if faults else CHOICES
    if len(faults) < len(trials.tried):
        return NoEngineAgrees(trials.tried, hint=hint)
    what = "; ".join(fault.what for fault in faults)
    return InvalidInput(what, code=faults[0].code, where=faults[0].where, hint=hint)


def _describe_agreement(total: AgreementPart, micros: float) -> str:
    return f"agrees on all {total.rows:,} rows, {micros:,.{1 if micros < 100 else 0}f} µs a row"


def _describe_differences(parts: dict[str, AgreementPart]) -> str:
    differences = [
        f"{part.differing:,} of {part.rows:,} {_KINDS[kind]}"
        + (f" (by up to {part.largest:.2g})" if part.largest is not None else " (one has no answer)")
        for kind, part in parts.items()
        if part.differing
    ]
    return f"differs in {', '.join(differences)}"
