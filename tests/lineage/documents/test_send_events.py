from __future__ import annotations

import pytest
from webhook import open_webhook

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.lineage.documents.openlineage import make_events
from mlops_lab.lineage.documents.send_events import check_address, send_events
from mlops_lab.lineage.documents.version_facts import VersionFacts


def test_events_arrive_in_order(facts: VersionFacts) -> None:
    events = make_events(facts)
    with open_webhook() as webhook:
        send_events(f"http://{webhook.address}/api/v1/lineage", events, api_key="key")
        assert webhook.received == events


def test_a_server_that_refuses(facts: VersionFacts) -> None:
    with open_webhook() as webhook:
        webhook.status = 403
        with pytest.raises(EnvironmentFault) as caught:
            send_events(f"http://{webhook.address}/", make_events(facts), api_key=None)
    assert "403" in caught.value.what
    assert len(webhook.received) == 1, "the next one is not sent"


@pytest.mark.parametrize("address", ["ftp://host/x", "host:80", "http://", "http://user:password@host/", ""])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_address(address)
    assert "password" not in str(caught.value)
