"""What the pages of other sites have a browser send is refused, and what real clients send is not."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import MlopsError
from mlops_lab.serving.http.site_guard import _MAX_KNOWN, SiteGuard

HERE = "127.0.0.1:8321"
JSON = "application/json"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FORM = "application/x-www-form-urlencoded"
LOOPBACK = SiteGuard("127.0.0.1", [])
EVERYWHERE = SiteGuard("0.0.0.0", [])
DECLARED = SiteGuard("127.0.0.1", ["Models.example.com", "10.1.2.3"])


def refusal(guard: SiteGuard = LOOPBACK, method: str = "POST", **headers: str) -> tuple[int, str] | None:
    """Status and code of the error, or None. Asked twice: what was accepted is remembered."""
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    found: list[Any] = []
    for _ in range(2):
        try:
            guard.check(method, sent)
            found.append(None)
        except MlopsError as error:
            assert all(error.as_dict().values())
            found.append((error.status, error.code))
    assert found[0] == found[1]
    return found[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": HERE, "user_agent": "curl/8.5.0", "content_type": FORM},
        {"host": HERE, "user_agent": "Python-urllib/3.11", "content_type": FORM},
        {"host": HERE},
        {"content_type": JSON},
        {"host": "localhost:8321", "content_type": "Application/JSON; charset=utf-8"},
        {"host": "LOCALHOST.", "content_type": "application/octet-stream"},
        {"host": "[::1]:8321", "content_type": "text/csv"},
        {"host": "127.8.9.1", "content_type": JSON},
        {"host": HERE, "origin": f"http://{HERE}", "sec_fetch_site": "same-origin", "content_type": JSON},
        {"host": HERE, "sec_fetch_site": "none", "content_type": JSON, "user_agent": BROWSER},
        {"host": HERE, "content_type": JSON, "user_agent": BROWSER},
    ],
)
def test_what_clients_send_is_accepted(headers: dict[str, str]) -> None:
    assert refusal(**headers) is None


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:8321",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil-localhost",
            "",
        ),
        *("0.0.0.0:8321", "10.1.2.3:8321", "[::2]:8321", "[::1", "127.0.0.1:8321@evil.example", "\xff", "x:y:z"),
        *("127.0.0.1, evil.example", "2130706433", "localhost/evil", "null"),
    ],
)
def test_other_names_are_refused_for_every_method(host: str) -> None:
    for method in ("GET", "POST", "HEAD", "PUT"):
        assert refusal(method=method, host=host, content_type=JSON) == (403, "wrong_host")


def test_a_second_host_is_looked_at_too() -> None:
    with pytest.raises(MlopsError, match=r"evil\.example"):
        LOOPBACK.check("GET", [(b"host", HERE.encode()), (b"host", b"evil.example")])


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", "http://127.0.0.1:83210", ""),
        *("http://127.0.0.1.evil.example:8321", "chrome-extension://abcdef", "http://", "file://", "://"),
        *(f"http://evil.example/{HERE}", f"http://evil@{HERE}", f"http://{HERE} http://evil.example"),
    ],
)
@pytest.mark.parametrize("site", [{}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-origin"}])
def test_pages_of_other_sites_are_refused(origin: str, site: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert refusal(method=method, host=HERE, origin=origin, content_type=JSON, **site) == (403, "cross_site")
    assert refusal(origin=origin, content_type=JSON) == (403, "cross_site")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "something-new"])
def test_what_the_browser_says_counts_without_an_origin(site: str) -> None:
    assert refusal(host=HERE, sec_fetch_site=site, content_type=JSON) == (403, "cross_site")
    assert refusal(host=HERE, sec_fetch_site=site, sec_fetch_mode="navigate", content_type=JSON) == (403, "cross_site")
    assert refusal(method="GET", host=HERE, sec_fetch_site=site, sec_fetch_mode="no-cors") == (403, "cross_site")
    assert refusal(method="GET", host=HERE, sec_fetch_site=site, sec_fetch_mode="navigate") is None  # a link


@pytest.mark.parametrize("media", ["text/plain", "TEXT/plain;charset=UTF-8", "multipart/form-data; boundary=x"])
def test_types_that_only_forms_have_are_refused(media: str) -> None:
    for marks in ({}, {"user_agent": BROWSER}, {"user_agent": "curl/8"}, {"origin": f"http://{HERE}"}):
        assert refusal(host=HERE, content_type=media, **marks) == (415, "wrong_content_type")
    assert refusal(method="GET", host=HERE, content_type=media) is None  # it has no body


@pytest.mark.parametrize("media", [{}, {"content_type": ""}, {"content_type": FORM}, {"content_type": f" {FORM};x"}])
def test_a_browser_that_does_not_say_where_it_comes_from_may_send_no_form(media: dict[str, str]) -> None:
    """One of before 2020. Every browser has such a name, and a page cannot change it without asking first."""
    assert refusal(host=HERE, user_agent=BROWSER, **media) == (415, "wrong_content_type")
    assert refusal(host=HERE, sec_fetch_site="none", **media) == (415, "wrong_content_type")
    assert refusal(host=HERE, user_agent="wget/1.2", **media) is None


def test_other_machines_use_addresses_and_declared_names() -> None:
    for host in ("10.0.0.7:8321", "[2001:db8::1]", "localhost", f"{socket.gethostname()}:8321"):
        assert refusal(EVERYWHERE, host=host) is None
    assert refusal(EVERYWHERE, host="evil.example") == (403, "wrong_host")
    assert refusal(SiteGuard("models.lan", []), host="MODELS.lan:8321") is None
    for host in ("models.example.com", "models.example.com.:443", "10.1.2.3"):
        assert refusal(DECLARED, host=host, content_type=JSON) is None
    assert refusal(DECLARED, host="x.models.example.com") == (403, "wrong_host")
    origin = "https://models.example.com"  # a proxy that keeps its name to itself
    for site in ("same-origin", "cross-site"):
        assert refusal(DECLARED, host=HERE, origin=origin, sec_fetch_site=site, content_type=JSON) is None
    assert refusal(DECLARED, host=HERE, origin="https://evil.example", content_type=JSON) == (403, "cross_site")
    anywhere = SiteGuard("127.0.0.1", ["*"])
    assert refusal(anywhere, host="x", origin="https://y", sec_fetch_site="cross-site", content_type=JSON) is None
    assert refusal(anywhere, host="x", origin="https://y", content_type="text/plain") == (415, "wrong_content_type")


def test_what_is_remembered_is_bounded() -> None:
    guard = SiteGuard("127.0.0.1", [])
    for number in range(_MAX_KNOWN + 10):
        guard.check("POST", [(b"user-agent", b"%d" % number)])
    guard.check("GET", [(b"user-agent", b"x" * 60_000)])
    for name in (b"host", b"origin"):
        with pytest.raises(MlopsError) as caught:
            guard.check("GET", [(name, b"x" * 60_000)])
        assert len(str(caught.value)) < 300
    assert sum(map(len, guard._accepted.values())) <= _MAX_KNOWN


NAMES = st.sampled_from(
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "localhost", "127.0.0.1", "[::1]", "8.8.8.8"]
)
PORTS = st.sampled_from(["", ":8321", ":80", ":3000"])
SIMPLE_MEDIA = st.sampled_from(["", "text/plain", "text/plain;a=b", FORM, "multipart/form-data;boundary=x"])


@given(NAMES, PORTS, st.sampled_from(["http://", "https://"]), NAMES, PORTS, SIMPLE_MEDIA, st.booleans())
def test_no_page_gets_a_request_through_without_asking(
    name: str, port: str, scheme: str, page: str, page_port: str, media: str, is_new: bool
) -> None:
    """Whatever the name by which it reaches us: an old browser says less, and both send these types unasked."""
    origin = {"origin": f"{scheme}{page}{page_port}", "sec_fetch_site": "cross-site"} if is_new else {}
    assert refusal(host=name + port, content_type=media, user_agent=BROWSER, **origin) is not None
