"""Who may ask the server for what: tokens by name, each with a role, of which only the hashes are kept.

A token is 32 random bytes, so a plain SHA-256 keeps it as safe as a slow password hash would: there is no list of
likely tokens to try. The operator of this machine has one named "local", in clear, in a file that only its owner may
read.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab import clock
from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound, Refused, Unauthorized
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.project import Project
from mlops_lab.serving.http.messages import Header

Role = Literal["predict", "operate"]
LOCAL = "local"
FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWNER_ONLY = 0o600
_PREDICTING = frozenset({"/v1/predict", "/invocations", "/v2/models/{name}/infer"})
_log = logging.getLogger("mlops_lab.serving")


class Token(msgspec.Struct, frozen=True):
    """What is kept of a token. `operate` may do all that `predict` may."""

    name: str
    role: Role
    created_at: datetime
    sha256: str


class _Kept(msgspec.Struct, frozen=True):
    tokens: list[Token]
    format: int = FORMAT


def tokens_path(project: Project) -> Path:
    """The file that holds the hashes."""
    return project.home / "tokens.json"


def ensure_token(project: Project) -> str:
    """The local operator's token, made on first use and known to the server; only its owner may read the file."""
    path = project.token_path
    with _lock(project):
        try:
            clear = path.read_text().strip() if path.exists() else ""
            if not clear:
                clear = secrets.token_urlsafe(32)
                write_atomically(path, clear.encode(), mode=_OWNER_ONLY)
        except OSError as error:
            raise disk_fault(error, path) from error
        tokens = _read(project)
        if not any(token.name == LOCAL and token.sha256 == _hash(clear) for token in tokens):
            _write(project, [token for token in tokens if token.name != LOCAL] + [_make(LOCAL, "operate", clear)])
    return clear


def create_token(project: Project, role: Role, *, name: str | None = None) -> tuple[Token, str]:
    """A new token: what is kept of it, and the token itself, which nobody can be told again."""
    if name is not None and (name == LOCAL or not _NAME.fullmatch(name)):
        raise InvalidInput(
            f'"{name}" cannot be the name of a token',
            code="bad_token_name",
            where="--name",
            hint=f'letters, digits, ".", "_" and "-", at most 64; "{LOCAL}" is that of this machine\'s operator',
        )
    with _lock(project):
        tokens = _read(project)
        taken = {token.name for token in tokens}
        if name in taken:
            raise Conflict(
                f'there is a token named "{name}"',
                code="token_exists",
                where="--name",
                hint=f"choose another name, or `mlops token revoke {name}` first",
            )
        name = name or next(free for number in range(1, len(taken) + 2) if (free := f"{role}-{number}") not in taken)
        clear = secrets.token_urlsafe(32)
        token = _make(name, role, clear)
        _write(project, [*tokens, token])
    return token, clear


def list_tokens(project: Project) -> list[Token]:
    """What is kept of the project's tokens, in the order in which they were made."""
    return _read(project)


def revoke_token(project: Project, name: str) -> Token:
    """Have the server refuse a token from now on; the local one is made anew when it is next needed."""
    with _lock(project):
        tokens = _read(project)
        found = next((token for token in tokens if token.name == name), None)
        if found is None:
            raise NotFound(
                f'there is no token named "{name}"', code="unknown_token", where="NAME", hint="`mlops token list`"
            )
        if name == LOCAL:
            project.token_path.unlink(missing_ok=True)
        _write(project, [token for token in tokens if token.name != name])
    return found


class Guard:
    """Lets in who shows a token of the role that a route needs. Knows the tokens of the last `follow`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._seen: tuple[int, int] | None = None
        self._tokens: list[Token] = []
        self.guards_predictions = needs_token_to_predict(project)
        self.follow()

    def follow(self) -> None:
        """Take in the file's tokens where it was replaced; where it cannot be read, nobody is let in."""
        try:
            stamp = tokens_path(self._project).stat()
            if (stamp.st_ino, stamp.st_mtime_ns) != self._seen:
                self._tokens = _read(self._project)
                self._seen = (stamp.st_ino, stamp.st_mtime_ns)
        except (OSError, EnvironmentFault) as error:
            if self._tokens:
                _log.error("no token is accepted until the file of tokens can be read: %s", error)
            self._tokens, self._seen = [], None

    def check(self, method: str, route: str, headers: Sequence[Header]) -> None:
        """Unauthorized or Refused where a request to this route does not show the token that it needs."""
        if method != "POST":
            return
        if route in _PREDICTING:
            if self.guards_predictions:
                self._check_role(headers, "predict")
        else:
            self._check_role(headers, "operate")

    def _check_role(self, headers: Sequence[Header], needed: Role) -> None:
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, clear = given.partition(b" ")
        digest = hashlib.sha256(clear.strip()).hexdigest()
        # all are compared, each in constant time: how long it takes says nothing of any
        found = [token for token in self._tokens if hmac.compare_digest(token.sha256, digest)]
        if scheme.lower() != b"bearer" or not found:
            raise Unauthorized(
                "the token is missing or wrong",
                code="bad_token",
                where="header authorization",
                hint='send "Authorization: Bearer TOKEN": that in .mlops/token, or one of `mlops token create`',
            )
        if found[0].role not in {needed, "operate"}:
            raise Refused(
                f"this token may {found[0].role}, and this route needs one that may {needed}",
                code="wrong_role",
                where="header authorization",
                hint=f"`mlops token create --role {needed}` makes one",
            )


def needs_token_to_predict(project: Project) -> bool:
    """Whether a prediction needs a token: as the settings say, else wherever other machines can ask for one."""
    said = project.settings.serving.predict_token
    return not is_loopback(project.settings.serving.host) if said is None else said


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _make(name: str, role: Role, clear: str) -> Token:
    return Token(name, role, clock.now().replace(microsecond=0), _hash(clear))


def _hash(clear: str) -> str:
    return hashlib.sha256(clear.encode()).hexdigest()


def _read(project: Project) -> list[Token]:
    path = tokens_path(project)
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise disk_fault(error, path) from error
    except msgspec.DecodeError as error:
        raise EnvironmentFault(
            f"is not a file of tokens: {error}",
            code="bad_tokens",
            where=str(path),
            hint="remove it, and make the tokens anew: `mlops token create`",
        ) from None
    if kept.format != FORMAT:
        raise EnvironmentFault(
            f"is of format {kept.format}, and this version knows {FORMAT}",
            code="bad_tokens",
            where=str(path),
            hint="use the version of mlops-lab that wrote it",
        )
    return kept.tokens


def _write(project: Project, tokens: list[Token]) -> None:
    path = tokens_path(project)
    try:
        write_atomically(path, msgspec.json.encode(_Kept(tokens)), mode=_OWNER_ONLY)
    except OSError as error:
        raise disk_fault(error, path) from error


@contextmanager
def _lock(project: Project) -> Iterator[None]:
    """Be the only one who changes the tokens."""
    path = project.home / "tokens.lock"
    try:
        project.home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    except OSError as error:
        raise disk_fault(error, path) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
