"""Keeps the pages of other sites out: what a browser sends for them is refused.

A browser on this machine, or in the network of a server, sends requests to it for any page that it shows. It says for
which one: `Origin` and `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/). It asks first before it sends a
content type that forms do not have, and nobody here permits that. A site that gives its own name the address of
this server (DNS rebinding) passes for the same site, but its requests have its name in `Host`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence

from mlops_lab.errors import Refused, WrongMedia
from mlops_lab.serving.http.messages import Header
from mlops_lab.serving.http.tokens import is_loopback

ANY = "*"
_WATCHED = frozenset({b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"content-type", b"user-agent"})
_AUTHORITY = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::\d*)?")
_FORM_MEDIA = {"text/plain", "multipart/form-data"}
_CLIENT_MEDIA = {"", "application/x-www-form-urlencoded"}
"""What a page may send, too, but also clients like curl that nobody told what they send."""
_READS = {"GET", "HEAD"}
_MAX_KNOWN, _MAX_KNOWN_BYTES, _MAX_SHOWN = 1000, 1000, 100


class SiteGuard:
    """Refuses requests for names that the server does not have, and those of other sites' pages.

    `host` is the address on which the server listens, `allowed_hosts` are further names of it, whose pages may send
    requests; `*` stands for all.
    """

    def __init__(self, host: str, allowed_hosts: Iterable[str]) -> None:
        self._declared = {_clean(name) for name in allowed_hosts}
        self._is_loopback = is_loopback(host)
        self._own = {_clean(host), "localhost"} | (set() if self._is_loopback else {_clean(socket.gethostname())})
        self._accepted: dict[bool, set[tuple[Header, ...]]] = {True: set(), False: set()}

    def check(self, method: str, headers: Sequence[Header]) -> None:
        """Refused or WrongMedia where a request may come from a page of another site."""
        accepted = self._accepted[method in _READS]
        shown = tuple([header for header in headers if header[0] in _WATCHED])
        if shown in accepted:  # a client has the same headers in each of its requests
            return
        self._examine(method, shown)
        if sum(len(value) for _, value in shown) <= _MAX_KNOWN_BYTES:
            if len(accepted) >= _MAX_KNOWN:
                accepted.clear()
            accepted.add(shown)

    def _examine(self, method: str, headers: Sequence[Header]) -> None:
        texts = [(name, value.decode("latin-1").strip().lower()) for name, value in headers]
        hosts, origins, sites, modes, media, agents = (
            [value for name, value in texts if name == watched]
            for watched in (b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"content-type", b"user-agent")
        )
        for host in hosts:
            if not self._is_own(_host_of(host)):
                raise _wrong_host(host)
        for origin in origins:
            if not self._is_same_site(origin, hosts):
                raise _cross_site("origin", origin)
        is_declared = ANY in self._declared or any(self._is_declared(_host_of_url(origin)) for origin in origins)
        is_link = (
            method in _READS and not origins and "navigate" in modes
        )  # whoever follows it sees the page, not a site
        for site in sites:
            if site not in {"same-origin", "none"} and not (is_declared or is_link):
                raise _cross_site("sec-fetch-site", site)
        if method not in _READS:
            is_browser = bool(origins or sites) or any(agent.startswith(("mozilla/", "opera/")) for agent in agents)
            _check_media([re.split("[;,]", value)[0].strip() for value in media] or [""], is_browser=is_browser)

    def _is_declared(self, name: str | None) -> bool:
        return ANY in self._declared or name in self._declared

    def _is_own(self, name: str | None) -> bool:
        """Whether the server has this name. Nobody can give another machine an address, so all addresses that may be
        its own are taken: those behind a translation of addresses it cannot know."""
        if self._is_declared(name) or name in self._own:
            return True
        try:
            address = ipaddress.ip_address(name or "")
        except ValueError:
            return False
        return address.is_loopback or not self._is_loopback

    def _is_same_site(self, origin: str, hosts: Sequence[str]) -> bool:
        """Whether a page of this origin is one of this server, or of a declared name."""
        authority = origin.partition("://")[2]
        return bool(authority and authority in hosts) or self._is_declared(_host_of_url(origin))


def _check_media(media: Iterable[str], *, is_browser: bool) -> None:
    for kind in media:
        if kind in _FORM_MEDIA or (is_browser and kind in _CLIENT_MEDIA):
            raise WrongMedia(
                f"a body of the type {kind!r} is not taken: any web page could send it" if kind else "there is no type",
                code="wrong_content_type",
                where="header content-type",
                hint="send the type of the body: Content-Type: application/json",
            )


def _clean(name: str) -> str:
    return name.lower().strip("[]").removesuffix(".")


def _host_of(authority: str) -> str | None:
    """The host of "HOST:PORT"; None where it is no such text."""
    match = _AUTHORITY.fullmatch(authority)
    return _clean(match[1] or match[2]) if match else None


def _host_of_url(origin: str) -> str | None:
    return _host_of(origin.partition("://")[2])


def _wrong_host(host: str) -> Refused:
    return Refused(
        f"this server does not have the name {host[:_MAX_SHOWN]!r}",
        code="wrong_host",
        where="header host",
        hint="use the address on which it listens, or add the name to serving.allowed_hosts",
    )


def _cross_site(header: str, value: str) -> Refused:
    return Refused(
        f"the request is one of a page of another site ({value[:_MAX_SHOWN]})",
        code="cross_site",
        where=f"header {header}",
        hint="if that site is this server's, behind a proxy, add its name to serving.allowed_hosts",
    )
