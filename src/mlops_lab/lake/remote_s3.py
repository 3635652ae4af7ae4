"""Reads objects of S3 and of stores with its protocol. Credentials, region and endpoint come from where AWS's own tools
take them: the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL …), ~/.aws, or the machine's role."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from mlops_lab.errors import EnvironmentFault, MlopsError, NotFound
from mlops_lab.extras import needs_extra

_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 10, 30, 3
_ABSENT = {"404", "NoSuchKey", "NoSuchBucket"}


class S3Content:
    """The body of an object."""

    def __init__(self, response: dict[str, Any], shown: str) -> None:
        self._body = response["Body"]
        self._shown = shown
        self.etag: str = response.get("ETag", "")
        self.size_bytes: int | None = response.get("ContentLength")

    def read(self, size: int) -> bytes:
        """The next bytes; EnvironmentFault where the store breaks off."""
        from botocore.exceptions import BotoCoreError

        try:
            return bytes(self._body.read(size))
        except (BotoCoreError, OSError) as error:
            raise _connection_error(error, self._shown) from None

    def close(self) -> None:
        """Close the connection."""
        self._body.close()


def open_s3(address: str, shown: str, *, etag: str = "") -> S3Content | None:
    """The object at the address; None where the store says that it still has this etag."""
    with needs_extra("s3", "to read from S3", where=shown):
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    parts = urlsplit(address)
    is_signed = False
    try:
        session = boto3.Session()
        is_signed = session.get_credentials() is not None  # without any, a public bucket can still be read
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _TRIES},
            signature_version=None if is_signed else UNSIGNED,
        )
        client = session.client("s3", region_name=session.region_name or "us-east-1", config=config)
        condition = {"IfNoneMatch": etag} if etag else {}
        key = unquote(parts.path.removeprefix("/"))
        return S3Content(client.get_object(Bucket=parts.netloc, Key=key, **condition), shown)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in {"304", "NotModified"}:
            return None
        raise _refusal_error(code, shown, is_signed=is_signed) from None
    except (BotoCoreError, OSError, ValueError) as error:
        raise _connection_error(error, shown) from None


def _refusal_error(code: str, shown: str, *, is_signed: bool) -> MlopsError:
    if code in _ABSENT:
        hint = "check bucket and key" if code != "NoSuchBucket" else "check the bucket, and the endpoint it lies at"
        return NotFound(f"does not exist ({code})", code="no_file", where=shown, hint=hint)
    if code == "SlowDown" or code.startswith("5") or code == "InternalError":
        hint = "run it again later; nothing was changed"
        return EnvironmentFault(f"the store failed ({code})", code="download_failed", where=shown, hint=hint)
    used = "check that its credentials are right and may read it" if is_signed else "no credentials were found"
    hint = f"{used}: `aws sts get-caller-identity` tells whose are used (AWS_PROFILE, AWS_ACCESS_KEY_ID, ~/.aws)"
    return EnvironmentFault(f"the store refuses ({code})", code="not_allowed", where=shown, hint=hint)


def _connection_error(error: Exception, shown: str) -> EnvironmentFault:
    """The error by its kind only: botocore's messages hold addresses with signatures."""
    hint = "check the network, AWS_ENDPOINT_URL and the profile, and run it again; nothing was changed"
    what = f"cannot be read: {type(error).__name__}"
    return EnvironmentFault(what, code="download_failed", where=shown, hint=hint)
