"""Secrets in settings: the file holds references to environment variables (`env:NAME`), never the secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from mlops_lab.errors import EnvironmentFault

_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>.*))?.*")
_NO_SECRET_IN_HOST_OR_PATH = {
    *("json", "jsons", "xml", "xmls", "form", "forms"),  # webhooks
    *("mailto", "mailtos", "syslog", "rsyslog"),
}
_SECRET_NAME = re.compile(r"pass|pwd|secret|token|key|sig|auth|credential", re.IGNORECASE)
_RANDOM = re.compile(
    r"(?=[^/]*[a-z])(?=[^/]*[A-Z])(?=[^/]*[0-9])[A-Za-z0-9_-]{16,}|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
)
"""Text that is most likely a token: of letters of both kinds and digits, or a UUID."""
_MARK = "\0"


def find_literal_secret(address: str) -> str | None:
    """Which part of an address is a secret, or may be one, and is no reference: "its password"; None where none is."""
    text = _REFERENCE.sub(_MARK, address)
    if text == _MARK:
        return None
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return "it is not an address such as `jsons://host/path`"
    user, at, _ = match["host"].rpartition("@")
    if at and ":" in user and user.partition(":")[2].strip(_MARK):
        return "its password"
    for pair in filter(None, (match["query"] or "").split("&")):
        name, _, value = pair.partition("=")
        if _MARK not in value and (_SECRET_NAME.search(name) or _RANDOM.fullmatch(value)):
            return f'the value of "{name}"'
    if match["scheme"].lower() not in _NO_SECRET_IN_HOST_OR_PATH and _MARK not in text:
        return f"the address of {match['scheme']}:// itself"
    if any(_RANDOM.fullmatch(part) for part in match["path"].split("/")):
        return "a part of its path"
    return None


def fill_references(text: str, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with each reference replaced by the value of its variable, and these values.

    A value that is only a part of an address is quoted (percent-encoded). EnvironmentFault where a variable is not set.
    """
    values = {name: _value(name, environment) for name in _REFERENCE.findall(text)}
    if (whole := _REFERENCE.fullmatch(text)) is not None:
        return values[whole[1]], list(values.values())
    return _REFERENCE.sub(lambda match: quote(values[match[1]], safe=""), text), list(values.values())


def _value(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise EnvironmentFault(
            f"the environment variable {name} is not set",
            code="no_secret",
            hint=f"set {name} where the loop runs (`mlops up`, `mlops tick`), and try it: `mlops alerts test`",
        )
    return value


def list_variables(text: str) -> list[str]:
    """The names of the variables that a text refers to, each once, in order."""
    return list(dict.fromkeys(_REFERENCE.findall(text)))
