"""What every channel in `alerts.channels.run.CHANNELS` must keep. A failure here says what a new channel lacks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels import run
from mlops_lab.alerts.channels.base import Channel, Position
from mlops_lab.alerts.channels.run import CHANNELS, send_alerts
from mlops_lab.alerts.channels.table import TABLE, read_alerts
from mlops_lab.lake import Lake
from mlops_lab.project import Project

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
every_channel = pytest.mark.parametrize("channel", CHANNELS, ids=[channel.name for channel in CHANNELS])


def test_names_are_unique_and_the_table_is_first():
    names = [channel.name for channel in CHANNELS]
    assert len(set(names)) == len(names)
    assert CHANNELS[0] is TABLE, "an alert must be in the table before another channel is tried"


@every_channel
def test_a_channel_leaves_the_alerts_alone_and_takes_any_text(tiny, lake: Lake, channel: Channel):
    alerts = [Alert(AT, "parity", '"ä" \n| 🚨', "", "x" * 10_000)]
    channel.send(tiny.project, lake, alerts, ("tick", 1))
    assert alerts == [Alert(AT, "parity", '"ä" \n| 🚨', "", "x" * 10_000)]


def test_one_more_channel_is_one_file_and_one_entry_in_the_list(tiny, lake: Lake, alerts, tmp_path: Path, monkeypatch):
    """A channel that writes a file for each position: a second time it finds the file."""
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    written: list[str] = []

    def write_file(project: Project, lake: Lake, alerts: Sequence[Alert], position: Position) -> None:
        file = outbox / "-".join(map(str, position))
        if not file.exists():
            file.write_text("\n".join(alert.what for alert in alerts))
            written.append(file.name)

    monkeypatch.setattr(run, "CHANNELS", (*CHANNELS, Channel("files", write_file)))
    for number in (1, 1, 2):
        send_alerts(tiny.project, lake, alerts, position=("tick", number))
    assert written == ["tick-1", "tick-2"]
    assert (outbox / "tick-1").read_text() == "what 0\nwhat 1"
    assert len(read_alerts(lake)) == 4
