"""Whether a request may use a route: the token in its header must have the role that the route needs."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Sequence

from mlops_lab.errors import EnvironmentFault, Refused, Unauthorized
from mlops_lab.project import Project
from mlops_lab.serving.http.messages import Header
from mlops_lab.serving.http.tokens import (
    Role,
    Token,
    decode_tokens,
    hash_token,
    needs_token_to_predict,
    read_tokens,
)

_log = logging.getLogger("mlops_lab.serving")


MAX_AGE_SECONDS = 0.01
"""How long a token may be accepted after it was revoked."""


class Authorizer:
    """Accepts requests whose token has the role that their route needs."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._content: bytes | None = None
        self._tokens: list[Token] = []
        self._fault = ""
        self._next_refresh = 0.0
        self.needs_token_to_predict = needs_token_to_predict(project)
        self.refresh()

    def refresh(self) -> None:
        """Read the file of tokens again; while it cannot be read, no token is accepted.

        The whole file, a few microseconds: neither its time nor its inode shows each change of it.
        """
        self._next_refresh = time.perf_counter() + MAX_AGE_SECONDS
        try:
            content = read_tokens(self._project)
            if content != self._content:
                self._tokens, self._content = decode_tokens(self._project, content), content
            self._fault = ""
        except EnvironmentFault as error:
            self._tokens, self._content = [], None
            if self._fault != str(error):
                self._fault = str(error)
                _log.error("no token is accepted until the file of tokens can be read: %s", error)

    def check(self, needed: Role | None, headers: Sequence[Header]) -> None:
        """Unauthorized or Refused where a request to a route that needs this role does not show a token for it."""
        if needed == "operate" or (needed == "predict" and self.needs_token_to_predict):
            self.identify(needed, headers)

    def identify(self, needed: Role, headers: Sequence[Header]) -> Token:
        """The token that a request shows; Unauthorized or Refused where it shows none for this role."""
        header = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, clear = header.partition(b" ")
        digest = hash_token(clear.strip())
        is_due = time.perf_counter() >= self._next_refresh
        if is_due:
            self.refresh()
        matches = self._find(digest)
        if not matches and not is_due:  # it may be one that was just created
            self.refresh()
            matches = self._find(digest)
        if scheme.lower() != b"bearer" or not matches:
            raise Unauthorized(
                "the token is missing or wrong",
                code="bad_token",
                where="header authorization",
                hint='send "Authorization: Bearer TOKEN": the one in .mlops/token, or one of `mlops token create`',
            )
        if matches[0].role not in {needed, "operate"}:
            raise Refused(
                f"this token has the role {matches[0].role}, and this route needs the role {needed}",
                code="wrong_role",
                where="header authorization",
                hint=f"create one with `mlops token create --role {needed}`",
            )
        return matches[0]

    def _find(self, digest: str) -> list[Token]:
        # all are compared, each in constant time: the duration reveals nothing about any of them
        return [token for token in self._tokens if hmac.compare_digest(token.sha256, digest)]
