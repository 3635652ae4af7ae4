"""Metrics: what Prometheus reads is what the workers counted."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.serving.answering.counts import BUCKETS_SECONDS, WorkerCounts
from mlops_lab.serving.http.prometheus import write_metrics

SAMPLE = re.compile(r'(\w+)(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*\}) (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"')
UNQUOTE = {r"\n": "\n", r"\"": '"', r"\\": "\\"}


def read_metrics(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples by name and labels, as Prometheus would read them."""
    samples = {}
    for line in text.decode().removesuffix("\n").split("\n"):
        if line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        labels = frozenset(
            (name, re.sub(r"\\.", lambda found: UNQUOTE[found[0]], value)) for name, value in LABEL.findall(match[2])
        )
        assert (match[1], labels) not in samples, f"twice: {line}"
        samples[match[1], labels] = float(match[3])
    return samples


def labels(**named: str) -> frozenset[tuple[str, str]]:
    return frozenset(named.items())


def test_each_worker_has_its_own_series() -> None:
    first = WorkerCounts(counted={("answered", "1", "champion"): 3}, gauges={"pending": {(): 2}})
    second = WorkerCounts(counted={("answered", "1", "champion"): 4}, gauges={"live": {("1", "champion"): 1}})
    samples = read_metrics(write_metrics({0: first, 1: second}))
    assert samples == {
        ("mlops_predictions_total", labels(version="1", role="champion", worker="0")): 3,
        ("mlops_predictions_total", labels(version="1", role="champion", worker="1")): 4,
        ("mlops_pending_outcomes", labels(worker="0")): 2,
        ("mlops_live", labels(version="1", role="champion", worker="1")): 1,
    }


def test_what_the_workers_share_is_counted_once() -> None:
    counts = WorkerCounts(gauges={"pending": {(): 5}, "log_position": {(): 10}})
    samples = read_metrics(write_metrics({0: counts, 1: counts, 2: counts}))
    assert [value for (name, _), value in samples.items() if name == "mlops_pending_outcomes"] == [5]
    assert sum(value for (name, _), value in samples.items() if name == "mlops_log_position_bytes") == 30


def test_each_family_says_what_it_is_before_its_samples() -> None:
    counts = WorkerCounts(counted={("answered", "1", "champion"): 3})
    counts.note_request("/v1/predict", 200, seconds=0.003, reason=None)
    described: set[str] = set()
    for line in write_metrics({0: counts}).decode().splitlines():
        if line.startswith("# HELP "):
            described.add(line.split()[2])
        elif not line.startswith("#"):
            name = re.sub("_(bucket|sum|count)$", "", line.partition("{")[0])
            assert name in described
    assert "mlops_request_seconds" in described


@given(st.lists(st.floats(0, 100), max_size=30))
def test_buckets_count_all_requests_up_to_their_bound(durations: list[float]) -> None:
    counts = WorkerCounts()
    for seconds in durations:
        counts.note_request("/v1/predict", 200, seconds=seconds, reason=None)
    samples = read_metrics(write_metrics({0: counts}))
    for bound in BUCKETS_SECONDS if durations else []:
        key = "mlops_request_seconds_bucket", labels(route="/v1/predict", le=str(bound), worker="0")
        assert samples[key] == sum(seconds <= bound for seconds in durations)
    if durations:
        total = labels(route="/v1/predict", worker="0")
        assert samples["mlops_request_seconds_count", total] == len(durations)
        assert abs(samples["mlops_request_seconds_sum", total] - sum(durations)) < 1e-5
        infinite = labels(route="/v1/predict", le="+Inf", worker="0")
        assert samples["mlops_request_seconds_bucket", infinite] == len(durations)


@given(st.text())
def test_whatever_a_label_holds_is_read_again(text: str) -> None:
    counts = WorkerCounts(counted={("refused", text, "reason"): 1})
    samples = read_metrics(write_metrics({0: counts}))
    assert samples == {("mlops_refused_total", labels(view=text, reason="reason", worker="0")): 1}
