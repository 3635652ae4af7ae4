"""The report of a replay: one HTML file that can be read without network, server or script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from mlops_lab.charts.drawing import GLYPHS, Json, colours, decision_symbols, draw, layer, link_to, x_of_days
from mlops_lab.replay import summary as result
from mlops_lab.replay.summary import VERDICTS, ArmResult, Day, DecisionRow, ReplaySummary, short_name
from mlops_lab.status.past_rollouts import RolloutEvidence

BEST = ' class="best"'
WIDTHS = {"wide": 940, "narrow": 400}
EVIDENCE_RANGE = (0.05, 50)
"""What is drawn of the evidence: from this e-value to so many times the one that is needed."""


def write_report(
    path: Path, summary: ReplaySummary, days: list[Day], *, evidence: Sequence[RolloutEvidence] = ()
) -> None:
    """Write the replay as one self-contained HTML file at `path`: UTF-8, some 250 kB for a year. `evidence`: of each
    rollout, where candidates prove themselves in it."""
    curve = result.smooth_days(days)
    points = [[d.day, d.log_loss.loop, d.log_loss.frozen, d.late_rate, d.predictions] for d in curve]
    page = Template(files("mlops_lab.replay").joinpath("report.html").read_text(encoding="utf-8"))
    html = page.substitute(
        colours=colours(),
        project=escape(summary.project),
        span=" to ".join(dict.fromkeys(_day(day) for day in summary.span)),
        headline=_join_units(result.write_headline(summary)),
        tiles="".join(_tiles(summary)),
        legend="".join(_legend(summary.decisions)),
        charts="".join(_charts(curve, summary.decisions, evidence)),
        months="".join(_months(summary)),
        decisions="".join(_decisions(summary.decisions)) or '<tr><td colspan="4">None was due.</td></tr>',
        stages="".join(_stages(summary)),
        seconds=f"{summary.seconds:,.0f} s",
        curve=json.dumps(points).replace("<", "\\u003c"),
    )
    path.write_text(html, encoding="utf-8")


def _tiles(summary: ReplaySummary) -> Iterator[str]:
    counts, loss, auc = summary.counts, summary.log_loss, summary.auc
    known = f"{counts.joined:,} outcomes known, {counts.pending:,} pending"
    ranks = "AUC not defined" if auc.loop is None else f"AUC {_figure(auc.frozen)} → {_figure(auc.loop)}"
    counted = result.count_decisions(summary.decisions) or "none was due"
    for name, value, note, bad in (
        ("Predictions", f"{counts.logged:,}", known, False),
        ("Lost", f"{counts.lost:,}", f"of {counts.sent:,} sent", counts.lost > 0),
        ("Counted twice", f"{counts.duplicated:,}", f"of {counts.logged:,} logged", counts.duplicated > 0),
        ("Log loss, first model → loop", f"{_figure(loss.frozen)} → {_figure(loss.loop)}", ranks, False),
        ("Decisions", f"{len(summary.decisions):,}", counted, False),
    ):
        mark = ' class="bad"' if bad else ""
        yield f"<div{mark}><dt>{name}</dt><dd>{value}<small>{_join_units(note)}</small></dd></div>"


def _legend(decisions: list[DecisionRow]) -> Iterator[str]:
    for side, name in (("loop", "the loop"), ("frozen", "the first model, never retrained")):
        yield f'<li><i class="line {side}"></i>{name}</li>'
    kinds = {row.what for row in decisions}
    for what in sorted(kinds.intersection(VERDICTS), key=VERDICTS.index):
        yield f'<li><i class="glyph {what}">{GLYPHS[what]}</i>{short_name(what)}</li>'
    if steps := sorted(short_name(what) for what in kinds.difference(VERDICTS)):
        yield f'<li><i class="glyph step">●</i>{escape(", ".join(steps))}</li>'


def _months(summary: ReplaySummary) -> Iterator[str]:
    for month in summary.months:
        counted = result.count_decisions([row for row in summary.decisions if row.at.startswith(month.month)])
        loss, auc = _pair(month.log_loss, lower_wins=True), _pair(month.auc, lower_wins=False)
        name = f"{date.fromisoformat(month.month + '-01'):%B %Y}"
        numbers = f"<td>{month.predictions:,}</td><td>{month.late_rate:.1%}</td>"
        yield f'<tr><th scope="row">{name}</th>{numbers}{loss}{auc}<td>{escape(counted) or "–"}</td></tr>'


def _pair(figure: ArmResult, *, lower_wins: bool) -> str:
    best = result.better_arm(figure, lower_wins=lower_wins)
    sides = (("frozen", figure.frozen), ("loop", figure.loop))
    return "".join(f"<td{BEST if side == best else ''}>{_figure(value)}</td>" for side, value in sides)


def _decisions(decisions: list[DecisionRow]) -> Iterator[str]:
    for i, row in enumerate(decisions):
        kind = row.what if row.what in VERDICTS else "step"
        glyph = f'<i class="glyph {kind}" aria-hidden="true">{GLYPHS.get(row.what, "●")}</i>'
        version = "–" if row.version is None else f"v{row.version}"
        yield (
            f'<tr id="decision-{i}" class="{kind}"><td>{_day(row.at)}</td><td>{glyph}{escape(short_name(row.what))}'
            f"</td><td>{version}</td><td>{escape(row.reason)}</td></tr>"
        )


def _stages(summary: ReplaySummary) -> Iterator[str]:
    for name, seconds, share in result.stage_shares(summary):
        bar, figures = f'<i style="width:{share:.1%}"></i>', f"<td>{seconds:,.1f} s</td><td>{share:.0%}</td>"
        yield f'<tr><th scope="row">{escape(name)}</th><td>{bar}</td>{figures}</tr>'


def _join_units(text: str) -> str:
    """The text as HTML in which a number and its unit stay on one line."""
    return re.sub(r"(\d) (?=[A-Za-z])", r"\1&nbsp;", escape(text))


def _day(moment: str) -> str:
    day = date.fromisoformat(moment[:10])
    return f"{day.day} {day:%b %Y}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _charts(curve: list[Day], decisions: list[DecisionRow], evidence: Sequence[RolloutEvidence]) -> Iterator[str]:
    """The curve as SVG, for wide and for narrow windows: 1 s together; Vega's own page takes 3 s, 0.9 MB."""
    rows = [
        {"day": d.day, "late": d.late_rate, "loop": loop, "frozen": frozen, "worse": max(loop, frozen)}
        for d in curve
        if (loop := d.log_loss.loop) is not None and (frozen := d.log_loss.frozen) is not None
    ]
    if not rows:
        yield "<p>No outcome is known yet, so there is no curve to draw.</p>"
        return
    for name, width in WIDTHS.items():
        chart = _chart(rows, _marks(rows, decisions), width, evidence=evidence)
        yield draw(chart, label="Quality, evidence and late rate", name=name)


def _marks(rows: list[Json], decisions: list[DecisionRow]) -> list[Json]:
    """Each decision, on the loop's curve at the last day drawn that is not after it; steps lie below."""
    marks = []
    for i, row in enumerate(decisions):
        at = next((r for r in reversed(rows) if r["day"] <= row.at[:10]), rows[0])
        kind = row.what if row.what in VERDICTS else "step"
        name = "" if row.version is None else f" v{row.version}"
        text = f"{_day(row.at)}: {short_name(row.what)}{name}\n{row.reason}"
        marks.append({**at, "kind": kind, "text": text, "link": link_to(f"#decision-{i}")})
    return sorted(marks, key=lambda mark: mark["kind"] != "step")


def _chart(rows: list[Json], marks: list[Json], width: int, *, evidence: Sequence[RolloutEvidence]) -> Json:
    """The Vega-Lite chart: quality above, evidence and late rate below; every colour is a CSS variable of the page."""
    first, last = rows[0]["day"], rows[-1]["day"]
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    x = x_of_days(first, last, days=days, width=width)
    y = {"type": "quantitative", "scale": {"zero": False}, "axis": {"tickCount": 5}, "title": None}
    symbols = decision_symbols(marks, {**y, "field": "loop"})
    lines = [
        layer("area", {"y": {**y, "field": "loop"}, "y2": {"field": "worse"}}, "loop", opacity=0.14),
        layer("area", {"y": {**y, "field": "frozen"}, "y2": {"field": "worse"}}, "roll_back", opacity=0.14),
        layer("line", {"y": {**y, "field": "frozen"}}, "frozen", strokeWidth=1.6, point=days < 15),
        layer("line", {"y": {**y, "field": "loop"}}, "loop", strokeWidth=2.4, point=days < 15),
    ]
    top = {"scale": {"domain": [0, max(0.1, *(row["late"] for row in rows))]}}
    late = {**y, **top, "field": "late", "axis": {"format": "%", "tickCount": 2}}
    bars = layer("bar", {"x": {**x, "axis": None}, "y": late}, "late", width=min(12, 0.72 * width / days))
    quality = {"encoding": {"x": x}, "layer": [*lines, symbols]}
    views = [
        {"title": "Log loss, mean of 7 days: lower is better", "width": width, "height": 290, **quality},
        *([_evidence(evidence, x, width)] if evidence else []),
        {"title": "Late rate by day", "width": width, "height": 56, **bars},
    ]
    return {"data": {"values": rows}, "vconcat": views, "spacing": 16, "padding": 0}


def _evidence(evidence: Sequence[RolloutEvidence], x: Json, width: int) -> Json:
    """The evidence of each rollout, day by day, on a logarithmic scale, and the line from which on it is a proof."""
    needed = evidence[0].needed
    lowest, highest = EVIDENCE_RANGE[0], needed * EVIDENCE_RANGE[1]
    values = [
        {"day": str(day), "e": min(max(e_value, lowest), highest), "rollout": one.number}
        for one in evidence
        for day, e_value in zip(one.days, one.e_values, strict=True)
    ]
    scale = {"type": "log", "domain": [lowest, highest]}
    axis = {"values": [lowest, 1, needed, highest], "format": "~g"}
    y = {"type": "quantitative", "scale": scale, "axis": axis, "title": None}
    lines = layer("line", {"y": {**y, "field": "e"}, "detail": {"field": "rollout"}}, "loop", strokeWidth=1.8)
    ends = layer("point", {"y": {**y, "field": "e"}}, "loop", size=12, filled=True, opacity=1)
    proof = {**layer("rule", {"y": {**y, "datum": needed}}, "promote", strokeWidth=1.2), "data": {"values": [{}]}}
    proof["mark"]["strokeDash"] = [5, 4]
    title, rest = "Evidence that the candidates of each rollout", f"are better (e-value): a proof from {needed:g} on"
    return {
        "title": [title, rest] if width < WIDTHS["wide"] else f"{title} {rest}",
        "width": width,
        "height": 96,
        "data": {"values": values},
        "encoding": {"x": {**x, "axis": None}},
        "layer": [{**proof, "encoding": {**proof["encoding"], "x": None}}, lines, ends],
    }
