"""Validating a change: what it says is trained, and judged by the gates against the live champion; nothing is decided.

All of it happens in a scratch copy of what is live, so neither the lake nor the registry nor the rollout is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from mlops_lab.ci.champion_recipe import answer_by_recipe
from mlops_lab.ci.figures import compare_measures, compare_slices, read_cost
from mlops_lab.ci.scratch import scratch_project
from mlops_lab.ci.validation import Check, Trained, Validation
from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.gates.backtest import BACKTEST
from mlops_lab.gates.base import GateInput, GateVerdict
from mlops_lab.gates.run import run_gates
from mlops_lab.gates.same_model import SAME_MODEL
from mlops_lab.gates.suspicion import SUSPICION
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.now import current_moment
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.lineage.contract_changes import changes_since_stored, find_conflict
from mlops_lab.lineage.definitions import diff_features
from mlops_lab.lineage.records import FeatureChanges
from mlops_lab.lineage.reproduce.record import VersionRecord, read_record
from mlops_lab.loop.gate_input import make_gate_input
from mlops_lab.loop.retrain import train_version
from mlops_lab.project import Project
from mlops_lab.registry.store.folder_registry import FolderRegistry
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, fold
from mlops_lab.tables.arrival import LOAD_LEAD
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.candidate import Candidate, prepare_candidate
from mlops_lab.training.checks import check_features, check_outcomes
from mlops_lab.training.environment import code_commit
from mlops_lab.training.pipeline import load_pipeline
from mlops_lab.training.progress import Report

_WARNING = "warning:"
_COMPARE_MODELS = (SAME_MODEL.name, BACKTEST.name)


@dataclass
class _Stopwatch:
    """Tells the stages of the work, and how many seconds each took."""

    report: Report
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _began: float = 0.0

    def start(self, stage: str) -> None:
        self.stop()
        self._stage, self._began = stage, perf_counter()
        self.report(stage)

    def stop(self) -> None:
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + perf_counter() - self._began
        self._stage = ""


def validate(project: Project, *, live: Project, accept_suspicion: bool, report: Report) -> Validation:
    """What `mlops run` would say of the project as it is now, beside what is live in the project `live`.

    Both may be the same folder, and neither is changed. A model that is too good to be true is refused unless the
    champion was, too, or `accept_suspicion` is given. EnvironmentFault where the champion's package cannot be read.
    """
    with scratch_project(project, live=live) as scratch:
        return _Validator(scratch, code_commit(project.root), accept_suspicion, _Stopwatch(report)).run()


@dataclass
class _Validator:
    project: Project
    commit: str
    accept_suspicion: bool
    watch: _Stopwatch
    checks: list[Check] = field(default_factory=list)

    def run(self) -> Validation:
        lake = open_lake(self.project)
        decisions = read_decisions(lake)
        champion = fold(decisions).champion
        contract = self._check_contract()
        features = None if champion is None else self._find_changed_features(champion)
        is_trainable = all(check.passed for check in self.checks)
        trained = self._train(lake, decisions, champion) if is_trainable else None
        return Validation(
            project=self.project.name,
            passed=all(check.passed for check in self.checks if check.counts),
            commit=self.commit,
            champion=champion,
            checks=self.checks,
            contract=contract,
            features=features,
            trained=trained,
        )

    def _check_contract(self) -> dict[str, list[str]]:
        """The changes of the contract against the stored rows, by table; those that break something are a no."""
        changes = changes_since_stored(self.project)
        breaking = [str(change) for found in changes.values() for change in found if change.not_backward]
        if (conflict := find_conflict(self.project)) is not None:
            breaking.append(conflict.what)
        count = sum(map(len, changes.values()))
        reason = "; ".join(breaking) or (f"{count} changes, all of them compatible" if count else "no changes")
        self.checks.append(Check(name="contract changes", passed=not breaking, reason=reason))
        return {name: [str(change) for change in found] for name, found in changes.items() if found}

    def _find_changed_features(self, champion: int) -> FeatureChanges | None:
        try:
            return diff_features(self.project, str(champion))
        except InvalidInput as error:
            self._refuse("pipeline", error)
            return None

    def _train(self, lake: Lake, decisions: list[Decision], champion: int | None) -> Trained | None:
        """Train and judge the candidate; None where that is not possible, and a check says why."""
        try:
            candidate = self._prepare(lake)
            registry = FolderRegistry(self.project.home / "candidates", max(_versions(decisions), default=0))
            self.watch.start("training")
            candidate, version = train_version(
                self.project, registry, candidate, now=candidate.data.until, report=self.watch.report
            )
        except (InvalidInput, Refused) as error:
            self._refuse("training", error)
            return None
        self.watch.start("gates")
        judged = make_gate_input(self.project, decisions, fold(decisions), candidate, version)
        record = None if champion is None else read_record(self.project, champion)
        compared_with = "nothing: no version is live"
        if record is not None:
            judged, compared_with = self._compare(judged, candidate, record)
        is_same = record is not None and (record.lineage.code == candidate.pipeline.fingerprint or _is_alike(judged))
        verdicts = run_gates(judged)
        self.watch.stop()
        accepts = self.accept_suspicion or _is_suspicious(decisions, champion)
        self.checks += [self._judge(verdict, is_same=is_same, accepts=accepts) for verdict in verdicts]
        learned = candidate.learned
        return Trained(
            learned_rows=learned.inputs.height,
            held_out_rows=candidate.data.holdout.height,
            cutoff=candidate.data.cutoff.isoformat(),
            snapshots=[str(snapshot) for snapshot in learned.snapshots],
            compared_with=compared_with,
            measures=compare_measures(judged),
            slices=compare_slices(judged),
            cost=read_cost(self.watch.seconds, version.package, None if record is None else record.package),
        )

    def _prepare(self, lake: Lake) -> Candidate:
        """The candidate of the change, from all rows that are stored or in its data."""
        self.watch.start("data")
        check_features(self.project, load_pipeline(self.project).features)
        now = current_moment(self.project, lake)
        ingest_journal(self.project, lake)
        check_outcomes(self.project, lake)
        load_sources(self.project, lake, now=now, received_at=now + LOAD_LEAD)
        self.watch.start("features")
        return prepare_candidate(self.project, lake, now=now)

    def _compare(self, judged: GateInput, candidate: Candidate, record: VersionRecord) -> tuple[GateInput, str]:
        """What the gates look at, with answers of the champion to rows that it has not learned from, and whose they
        are: its own, where there are enough, else those of its code, trained on the rows before."""
        unseen = judged.blocks.filter(judged.unseen).n_unique()
        if unseen >= self.project.settings.backtest.min_days:
            return judged, f"version {record.number}, on rows that it has not learned from"
        self.watch.start("training the champion's code")
        folder = self.project.home / "champion"
        output = answer_by_recipe(self.project, record, candidate, folder=folder)
        whose = f"the code of version {record.number}, trained on the same rows (it has learned from the others itself)"
        return replace(judged, champion_output=output), whose

    def _judge(self, verdict: GateVerdict, *, is_same: bool, accepts: bool) -> Check:
        passed, reason, counts = verdict.passed, verdict.reason, True
        if verdict.gate == SUSPICION.name and reason.startswith(_WARNING) and not accepts:
            passed, reason = False, f"{reason} (once you have made sure: --accept-suspicion)"
        if not passed and is_same and verdict.gate in _COMPARE_MODELS:
            counts, reason = False, f"{reason} (not counted: it makes what the champion is)"
        return Check(name=verdict.gate, passed=passed, reason=reason, counts=counts, evidence=verdict.evidence)

    def _refuse(self, name: str, error: InvalidInput | Refused) -> None:
        place = f" ({error.where})" if error.where else ""
        hint = f"; {error.hint}" if error.hint else ""
        self.checks.append(Check(name=name, passed=False, reason=f"{error.what}{place}{hint}"))


def _is_alike(judged: GateInput) -> bool:
    """Whether candidate and champion answer alike to all rows that are compared."""
    return bool(judged.unseen.any()) and not judged.loss_increase().to_numpy().any()


def _versions(decisions: Sequence[Decision]) -> Iterator[int]:
    return (decision.version for decision in decisions if decision.version is not None)


def _is_suspicious(decisions: Sequence[Decision], champion: int | None) -> bool:
    """Whether the gate warned of the champion, too: who let it go live has made sure."""
    found = next((item.evidence for item in decisions if item.version == champion and "gates" in item.evidence), {})
    verdicts = {item["gate"]: item["reason"] for item in found.get("gates", ())}
    return str(verdicts.get(SUSPICION.name, "")).startswith(_WARNING)
