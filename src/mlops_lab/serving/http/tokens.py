"""The tokens of a project: by name, each with a role; only their hashes are stored.

A token is 32 random bytes, so a plain SHA-256 protects it as well as a slow password hash would: nobody can guess
likely tokens. The operator of this machine has one named "local", stored in clear in a file that only its owner may
read.
"""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab import clock
from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound
from mlops_lab.files import check_writers, disk_fault, sync_folder, write_atomically
from mlops_lab.project import Project

Role = Literal["predict", "operate"]
LOCAL = "local"
FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWNER_ONLY = 0o600
_log = logging.getLogger("mlops_lab.serving")


class Token(msgspec.Struct, frozen=True):
    """What is stored about a token. The role `operate` includes `predict`."""

    name: str
    role: Role
    created_at: datetime
    sha256: str


class _TokenFile(msgspec.Struct, frozen=True):
    tokens: list[Token]
    format: int = FORMAT


def tokens_path(project: Project) -> Path:
    """The file that stores the hashes."""
    return project.home / "tokens.json"


def ensure_token(project: Project) -> str:
    """The local operator's token, created on first use; the server accepts it, and only its owner may read the file."""
    path = project.token_path
    with _lock(project):
        try:
            clear = _read_local(path) if path.exists() else ""
            if not clear:
                clear = secrets.token_urlsafe(32)
                write_atomically(path, clear.encode(), mode=_OWNER_ONLY)
        except OSError as error:
            raise disk_fault(error, path) from error
        tokens = list_tokens(project)
        if not any(token.name == LOCAL and token.sha256 == hash_token(clear.encode()) for token in tokens):
            _write(project, [token for token in tokens if token.name != LOCAL] + [_make(LOCAL, "operate", clear)])
    return clear


def create_token(project: Project, role: Role, *, name: str | None = None) -> tuple[Token, str]:
    """A new token: what is stored about it, and the token itself, which cannot be shown again."""
    if name is not None and (name == LOCAL or not _NAME.fullmatch(name)):
        raise InvalidInput(
            f'"{name}" cannot be the name of a token',
            code="bad_token_name",
            where="--name",
            hint=f'letters, digits, ".", "_" and "-", at most 64; "{LOCAL}" is that of this machine\'s operator',
        )
    with _lock(project):
        tokens = list_tokens(project)
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
    """What is stored about the project's tokens, in the order in which they were created."""
    return decode_tokens(project, read_tokens(project))


def read_tokens(project: Project) -> bytes | None:
    """The content of the file that stores them; None where there is none yet. EnvironmentFault if others may write it:
    who can add a token needs none."""
    path = tokens_path(project)
    try:
        with path.open("rb") as file:
            check_writers(file.fileno(), path, holds="tokens", code="insecure_tokens")
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_fault(error, path) from error


def decode_tokens(project: Project, content: bytes | None) -> list[Token]:
    """What a content of the file says."""
    path = tokens_path(project)
    if content is None:
        return []
    try:
        stored = msgspec.json.decode(content, type=_TokenFile)
    except msgspec.DecodeError as error:
        raise EnvironmentFault(
            f"is not a file of tokens: {error}",
            code="bad_tokens",
            where=str(path),
            hint="remove it, and create the tokens again: `mlops token create`",
        ) from None
    if stored.format != FORMAT:
        raise EnvironmentFault(
            f"has format {stored.format}, and this version reads format {FORMAT}",
            code="bad_tokens",
            where=str(path),
            hint="use the version of mlops-lab that wrote it",
        )
    return stored.tokens


def revoke_token(project: Project, name: str) -> Token:
    """Revoke a token: servers refuse it within `authorizer.MAX_AGE_SECONDS`.

    The local one is created again when it is next needed.
    """
    with _lock(project):
        tokens = list_tokens(project)
        revoked = next((token for token in tokens if token.name == name), None)
        if revoked is None:
            raise NotFound(
                f'there is no token named "{name}"', code="unknown_token", where="NAME", hint="`mlops token list`"
            )
        if name == LOCAL:
            project.token_path.unlink(missing_ok=True)
        _write(project, [token for token in tokens if token.name != name])
    return revoked


def needs_token_to_predict(project: Project) -> bool:
    """Whether a prediction needs a token: as the settings say, by default where other machines can reach the server."""
    setting = project.settings.serving.predict_token
    return not is_loopback(project.settings.serving.host) if setting is None else setting


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _make(name: str, role: Role, clear: str) -> Token:
    return Token(name, role, clock.now().replace(microsecond=0), hash_token(clear.encode()))


def hash_token(clear: bytes) -> str:
    """The hash by which a token is stored."""
    return hashlib.sha256(clear).hexdigest()


def _read_local(path: Path) -> str:
    """The local token. A file that others may read is closed to them, and the log says so: they may know the token."""
    with path.open("rb") as file:
        status = check_writers(file.fileno(), path, holds="tokens", code="insecure_tokens")
        if status.st_mode & 0o077:
            os.fchmod(file.fileno(), _OWNER_ONLY)
            _log.warning(
                "other users could read the token in %s until now: `mlops token revoke local` makes another one", path
            )
        return file.read().decode(errors="replace").strip()


def _write(project: Project, tokens: list[Token]) -> None:
    path = tokens_path(project)
    try:
        write_atomically(path, msgspec.json.encode(_TokenFile(tokens)), mode=_OWNER_ONLY)
        sync_folder(path.parent)  # else a power cut brings back a token that was revoked
    except OSError as error:
        raise disk_fault(error, path) from error


@contextmanager
def _lock(project: Project) -> Iterator[None]:
    """Lock the tokens: nobody else changes them meanwhile."""
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
