"""The counts of all workers of a server: each worker writes its own to a file that the others read."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import get_args
from zoneinfo import ZoneInfo

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, keep_counts, read_counts
from mlops_lab.serving.answering.request_days import note_day
from mlops_lab.serving.answering.service import Service
from mlops_lab.tables.rollout_verdict import CurrentVerdict, Verdict


class SharedCounts:
    """The counts of one worker, which goes on with those of its predecessor, and access to those of the others.

    `prediction_routes`: the routes whose requests are counted by day.
    """

    prediction_routes: Collection[str] = ()

    def __init__(self, service: Service, *, worker: int, workers: int) -> None:
        self._service = service
        self._zone = ZoneInfo(service.project.timezone)
        self._worker = worker
        self._paths = [counts_path(service.project.workers_path, number) for number in range(workers)]
        service.counts = self.own = read_counts(self._paths[worker])

    def read_all(self) -> dict[int, WorkerCounts]:
        """The present counts of all workers, by the number of the worker.

        This worker's own are published first, so that one that is killed later goes on with what was shown.
        """
        with suppress(EnvironmentFault, OSError):  # requests say so; whoever watches them must see the counts
            self._service.catch_up()
        self.publish()
        others = {number: read_counts(path) for number, path in enumerate(self._paths) if number != self._worker}
        for counts in others.values():  # each knows the predictions of all, and this one knows them now
            counts.gauges["pending"] = self.own.gauges["pending"]
        return dict(sorted({**others, self._worker: self.own}.items()))

    def publish(self) -> None:
        """Write this worker's counts for the others."""
        self.update_gauges()
        today = clock.now().astimezone(self._zone).date().isoformat()
        note_day(self.own, today, routes=self.prediction_routes)
        keep_counts(self._paths[self._worker], self.own)

    def update_gauges(self) -> None:
        """Set what is not counted but measured: live versions, pending predictions, positions in the journal."""
        models, journal = self._service.models, self._service.journal
        routing = models.routing_table
        roles = {routing.champion.version: "champion"}
        if routing.challenger and routing.challenger != routing.previous:  # else it is watched after a promotion
            roles[routing.challenger.version] = "challenger"
        damage = self._service.damage()
        roles |= {arm.live.version: "arm" for arm in routing.arms}
        self.own.generation = routing.generation
        live = {predictor.version for predictor in models.predictors}
        for version in self.own.trials.keys() - live:
            del self.own.trials[version]
        self.own.deployment_error, self.own.faults = self._service.deployment_error, models.faults
        self.own.gauges = {
            "live": {
                (str(predictor.version), roles.get(predictor.version, "previous")): 1 for predictor in models.predictors
            },
            "generation": {(): routing.generation},
            "not_deployed": {(): int(self.own.deployment_error is not None)},
            "not_loaded": {(str(version),): 1 for version in models.faults},
            "pending": {(): self._service.pending},
            "log_position": {(): journal.position},
            "log_behind": {
                ("disk",): journal.position - journal.synced,
                ("lake",): journal.position - self._service.position_in_lake(),
            },
            "log_damaged_places": {(): damage.places},
            "log_damaged_bytes": {(): damage.bytes},
            "day_warnings": {(): self._service.warnings()},
        }
        if self._worker == 0:  # all of them share it
            self.own.gauges |= _verdict_gauges(self._service.verdict())


def _verdict_gauges(verdict: CurrentVerdict) -> dict[str, dict[tuple[str, ...], float]]:
    version = str(verdict.version or "")
    return {
        "verdict": {(version, name): float(name == verdict.verdict) for name in get_args(Verdict)},
        "verdict_share": {} if verdict.share is None else {(version,): verdict.share},
        "verdict_age": {} if verdict.age_seconds is None else {(): verdict.age_seconds},
    }
