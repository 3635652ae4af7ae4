"""An object store as the place of a lake: objects below an address in S3, Google Cloud Storage or Azure.

Credentials come from where the store's own tools take them: for S3 the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE,
AWS_ENDPOINT_URL …), `~/.aws` or the machine's role; for the others GOOGLE_APPLICATION_CREDENTIALS, `az login` …
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from mlops_lab.errors import EnvironmentFault
from mlops_lab.extras import needs_extra

UNREACHABLE, REFUSED = "store_unreachable", "store_refused"
_CLIENT = {"timeout": "20s", "connect_timeout": "5s"}
_RETRIES, _RETRY_SECONDS = 3, 30
_AT_ONCE = 8
_REFUSALS = ("PermissionDenied", "Unauthenticated")


class StoredObject(NamedTuple):
    """An object: its path below the address of the store, its size, and when it was written."""

    path: str
    size_bytes: int
    modified_at: datetime


class Content(NamedTuple):
    """What an object holds; `tag` changes with it; and when it was written."""

    data: bytes
    tag: str
    modified_at: datetime


class ObjectStore:
    """The objects below an address. Each request ends within a minute, in EnvironmentFault where the store is away."""

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")
        with needs_extra("store", "a lake in an object store", where=self.uri):
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        options: dict[str, Any] = {"client_options": {**_CLIENT, "allow_http": _may_be_plain()}}
        options["retry_config"] = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)}
        if self.uri.startswith("s3://"):
            options |= _aws_credentials(self.uri)
        try:
            self._store: Any = from_url(self.uri, **options)
        except (BaseError, ValueError) as error:  # nobody was asked yet
            raise EnvironmentFault(
                f"the address cannot be used: {str(error).splitlines()[0]}",
                code=REFUSED,
                where=self.uri,
                hint="correct [lake] uri: s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or "
                "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER",
            ) from None

    def read(self, path: str) -> Content | None:
        """The content of an object; None where there is none."""
        with self._faults():
            try:
                found = self._store.get(path)
                meta = found.meta
                return Content(bytes(found.bytes()), str(meta["e_tag"] or ""), meta["last_modified"])
            except FileNotFoundError:
                return None

    def write(self, path: str, data: bytes) -> None:
        """Write an object, in place of another one if there is one."""
        with self._faults():
            self._store.put(path, data)

    def create(self, path: str, data: bytes) -> bool:
        """Write an object if there is none; False where there is."""
        from obstore.exceptions import AlreadyExistsError

        with self._faults():
            try:
                self._store.put(path, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def replace(self, path: str, data: bytes, *, tag: str) -> bool:
        """Write an object in place of the one with this tag; False where somebody else has changed or deleted it."""
        from obstore.exceptions import PreconditionError

        with self._faults():
            try:
                self._store.put(path, data, mode={"e_tag": tag})
            except (PreconditionError, FileNotFoundError):
                return False
            return True

    def objects(self, prefix: str = "", *, after: str | None = None) -> list[StoredObject]:
        """The objects whose path begins with a folder, by name; `after`: only those whose path comes later."""
        with self._faults():
            found = [item for batch in self._store.list(prefix or None, offset=after) for item in batch]
        objects = (StoredObject(item["path"], item["size"], item["last_modified"]) for item in found)
        return sorted(objects)

    def folders(self) -> list[str]:
        """The names of the folders at the address."""
        with self._faults():
            return sorted(self._store.list_with_delimiter()["common_prefixes"])

    def delete(self, paths: Sequence[str]) -> None:
        """Delete objects; those that are not there are none."""
        with self._faults():
            for path in paths:
                with suppress(FileNotFoundError):
                    self._store.delete(path)

    @property
    def delta_options(self) -> dict[str, str]:
        """What delta-rs needs to reach the same store with the same patience."""
        retries = {"max_retries": str(_RETRIES), "retry_timeout": f"{_RETRY_SECONDS}s"}
        return {**_CLIENT, **retries, "allow_http": str(_may_be_plain()).lower()}

    @contextmanager
    def _faults(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:  # to write where there is no bucket is the latter
            raise store_fault(error, self.uri) from None


def store_fault(error: Exception, uri: str) -> EnvironmentFault:
    """The error of a store, by its kind: the libraries' messages hold whole requests."""
    text = str(error)
    status = re.search(r"status:? (\d{3})|Server returned[^:]*: (\d{3})", text)
    number = next((group for group in status.groups() if group), "") if status else ""
    if number in {"401", "403"} or any(name in type(error).__name__ for name in _REFUSALS):
        return EnvironmentFault(
            f"the store of the lake refuses{f' ({number})' if number else ''}",
            code=REFUSED,
            where=uri,
            hint="check the credentials and what they may do: read, write, list and delete below this address",
        )
    if number == "404" or "NoSuchBucket" in text:
        return EnvironmentFault(
            "there is no such bucket", code=REFUSED, where=uri, hint="make the bucket, or correct [lake] uri"
        )
    return EnvironmentFault(
        f"the store of the lake does not answer ({number or 'no connection'})",
        code=UNREACHABLE,
        where=uri,
        hint="nothing is lost: servers go on, and the loop catches up; check the network, the address and the region",
    )


def each(work: Any, items: Sequence[Any]) -> list[Any]:
    """What `work` returns of each item, several at once: most of the time is waiting for the store."""
    from concurrent.futures import ThreadPoolExecutor

    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))


def _may_be_plain() -> bool:
    """Whether the user has named an endpoint without TLS."""
    return any(value.startswith("http://") for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL"))


def _aws_credentials(uri: str) -> dict[str, Any]:
    """Region and credentials as AWS's own tools find them."""
    with needs_extra("store", "a lake in S3", where=uri):
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider
    session = boto3.Session()
    if session.get_credentials() is None:
        raise EnvironmentFault(
            "no credentials were found",
            code=REFUSED,
            where=uri,
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` tells "
            "whose are used",
        )
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    found = {"region": session.region_name or "us-east-1", "credential_provider": Boto3CredentialProvider(session)}
    return found | ({"endpoint": endpoint} if endpoint else {})
