"""Whether a request may use a route: the token in its header must have the role that the route needs."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence

from mlops_lab.errors import EnvironmentFault, Refused, Unauthorized
from mlops_lab.project import Project
from mlops_lab.serving.http.messages import Header
from mlops_lab.serving.http.tokens import Role, Token, hash_token, list_tokens, needs_token_to_predict, tokens_path

_log = logging.getLogger("mlops_lab.serving")


class Authorizer:
    """Accepts requests whose token has the role that their route needs. Knows the tokens of the last `refresh`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._file_seen: tuple[int, int] | None = None
        self._tokens: list[Token] = []
        self.needs_token_to_predict = needs_token_to_predict(project)
        self.refresh()

    def refresh(self) -> None:
        """Read the file of tokens again if it was replaced; while it cannot be read, no token is accepted."""
        try:
            status = tokens_path(self._project).stat()
            if (status.st_ino, status.st_mtime_ns) != self._file_seen:
                self._tokens = list_tokens(self._project)
                self._file_seen = (status.st_ino, status.st_mtime_ns)
        except (OSError, EnvironmentFault) as error:
            if self._tokens:
                _log.error("no token is accepted until the file of tokens can be read: %s", error)
            self._tokens, self._file_seen = [], None

    def check(self, needed: Role | None, headers: Sequence[Header]) -> None:
        """Unauthorized or Refused where a request to a route that needs this role does not show a token for it."""
        if needed == "operate" or (needed == "predict" and self.needs_token_to_predict):
            self._check_token(needed, headers)

    def _check_token(self, needed: Role, headers: Sequence[Header]) -> None:
        header = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, clear = header.partition(b" ")
        digest = hash_token(clear.strip())
        # all are compared, each in constant time: the duration reveals nothing about any of them
        matches = [token for token in self._tokens if hmac.compare_digest(token.sha256, digest)]
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
