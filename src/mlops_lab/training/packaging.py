"""From a fitted model to what serves it: engines are tried, and the fastest that answers like the model is taken."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Plan
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
from mlops_lab.training.comparison import Questions, compare, make_questions
from mlops_lab.training.convert import CHOICES
from mlops_lab.training.engine_options import EngineOption, find_engine_options, is_lightgbm
from mlops_lab.training.fit import Fitted
from mlops_lab.training.thresholds import Sides, threshold_rows
from mlops_lab.training.trees import find_trees

MUCH_FASTER = 0.8
"""An engine is taken over one before it where a row takes it less than this share of the time: timings err."""
_KINDS = {
    DATA: "rows learned from", CORNERS: "rows with nulls or texts never seen", THRESHOLDS: "rows at split thresholds",
    BESIDE: "rows a hair beside those learned from", ONE_BY_ONE: "rows asked one by one",
}  # fmt: skip


@dataclass(frozen=True)
class Packaged:
    """What a package holds of the model: how it is served, the file that its engine reads, and the proof."""

    plan: Plan
    model: bytes
    agreement: Agreement


class NoEngineAgrees(Refused):
    """No engine answers like the model that was trained: there is nothing to register. `tried` says of each why."""

    def __init__(self, tried: list[TriedEngine], *, hint: str | None) -> None:
        super().__init__(
            "no engine answers like the model: " + "; ".join(f"{one.engine} {one.reason}" for one in tried),
            code="no_engine_agrees",
            where="pipeline.py, model()",
            hint=hint,
        )
        self.tried = tried


def package(
    fitted: Fitted, plan: Plan, inputs: pl.DataFrame, *, trust: Trust | None = None, try_all: bool = False
) -> Packaged:
    """The fitted model as the fastest engine serves it that agrees with it on the inputs it has learned from, and on
    rows at the edge; `plan` says all but the engine.

    Engines are tried in the order of their speed, and those after one that agrees only where `try_all`. InvalidInput
    where no engine can read the model at all, with the reasons and the choices; NoEngineAgrees where none that can
    answers like it.
    """
    trust = trust or Trust()
    plan = replace(plan, texts=[name for name, dtype in inputs.schema.items() if dtype == pl.String])
    sides = _find_sides(fitted, inputs)
    arrangement = OutputMapping(plan)
    questions = make_questions(
        inputs,
        lambda rows: arrangement.of_rows(fitted.answer(rows)),
        sides=sides,
        known=None if fitted.known is None else arrangement.of_rows(fitted.known),
        scale=plan.scale,
    )
    candidates = find_engine_options(fitted.estimator, inputs, categories=fitted.categories, trust=trust)
    tried, models, faults = _try_all(candidates, plan, questions, trust=trust, all_of_them=try_all)
    taken = _fastest(tried)
    if taken is None:
        raise _refuse(tried, faults)
    whole = add_up(list(taken.parts.values()))
    agreement = Agreement(
        engine=taken.engine, rows=whole.rows, differing=whole.differing, largest=whole.largest,
        tolerance=taken.tolerance, data_rows=inputs.height, splits=sides.splits, splits_in_all=sides.of, tried=tried,
    )  # fmt: skip
    return Packaged(replace(plan, engine=taken.engine), models[taken.engine], agreement)


def _find_sides(fitted: Fitted, inputs: pl.DataFrame) -> Sides:
    if isinstance(fitted.estimator, Path):
        return threshold_rows([], inputs, in_float32=True)
    groves = find_trees(fitted.estimator, fitted.see)
    return threshold_rows(groves, inputs, in_float32=not is_lightgbm(fitted.estimator))


def _try_all(
    candidates: list[EngineOption], plan: Plan, questions: Questions, *, trust: Trust, all_of_them: bool
) -> tuple[list[TriedEngine], dict[str, bytes], list[InvalidInput]]:
    """What came of each, the files that could be written, and why the others could not."""
    tried: list[TriedEngine] = []
    models: dict[str, bytes] = {}
    faults: list[InvalidInput] = []
    for engine, write in candidates:
        agreeing = next((one.engine for one in tried if one.agrees), None)
        if agreeing and not all_of_them:
            reason = f"not tried: {agreeing} agrees and is known to be faster (`[model] try_all` tries all)"
            tried.append(TriedEngine(engine=engine, agrees=None, reason=reason))
            continue
        try:
            models[engine] = write()
        except InvalidInput as error:
            faults.append(error)
            tried.append(TriedEngine(engine=engine, agrees=None, reason=f"not possible: {error.what}"))
            continue
        tried.append(_try(models[engine], replace(plan, engine=engine), questions, trust))
    return tried, models, faults


def _try(model: bytes, plan: Plan, questions: Questions, trust: Trust) -> TriedEngine:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / model_file(plan.engine)).write_bytes(model)
        try:
            engine = open_engine(Path(folder), plan, trust=trust)
            parts, micros = compare(engine, OutputMapping(plan), questions)
        except Exception as error:  # of any library: an engine that fails does not agree
            reason = f"fails: {(str(error).splitlines() or [type(error).__name__])[0][:300]}"
            return TriedEngine(engine=plan.engine, agrees=False, reason=reason)
    whole = add_up(list(parts.values()))
    return TriedEngine(
        engine=plan.engine,
        agrees=not whole.differing,
        reason=_say_agreement(whole, micros) if not whole.differing else _say_difference(parts),
        tolerance=tolerance_of(engine),
        parts=parts,
        micros=micros,
    )


def _fastest(tried: list[TriedEngine]) -> TriedEngine | None:
    """Of those that agree; the first where another is not clearly faster."""
    best: TriedEngine | None = None
    for one in tried:
        if one.agrees and (best is None or (one.micros or 0.0) < MUCH_FASTER * (best.micros or 0.0)):
            best = one
    return best


def _refuse(tried: list[TriedEngine], faults: list[InvalidInput]) -> InvalidInput | NoEngineAgrees:
    """The one error for all, with the hint of the last that could not be written: that one is to be mended by hand."""
    hint = faults[-1].hint if faults else CHOICES
    if len(faults) < len(tried):
        return NoEngineAgrees(tried, hint=hint)
    what = "; ".join(fault.what for fault in faults)
    return InvalidInput(what, code=faults[0].code, where=faults[0].where, hint=hint)


def _say_agreement(whole: AgreementPart, micros: float) -> str:
    return f"agrees on all {whole.rows:,} rows, {micros:,.{1 if micros < 100 else 0}f} µs a row"


def _say_difference(parts: dict[str, AgreementPart]) -> str:
    told = [
        f"{part.differing:,} of {part.rows:,} {_KINDS[kind]}"
        + (f" (by up to {part.largest:.2g})" if part.largest is not None else " (one has no answer)")
        for kind, part in parts.items()
        if part.differing
    ]
    return f"differs in {', '.join(told)}"
