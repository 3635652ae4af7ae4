"""Posting messages to channels, each in a process of its own: a channel that is slow or dead costs no more than its
time limit, and the library of the channels is loaded only when there is something to send.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from mlops_lab.errors import MlopsError
from mlops_lab.project.secret_references import fill_references

SENT, FAILED, TIMED_OUT = "sent", "failed", "timed_out"
_PROGRAM = "mlops_lab.alerts.channels.apprise_program"
_MIN_SECRET = 4
"""Shorter parts of a secret are words, ports or such, and hiding them hides what went wrong."""
_MAX_REASON = 500


@dataclass(frozen=True)
class Post:
    """A message for a channel: its address, in which secrets are references, a title and a text."""

    address: str
    title: str
    text: str


@dataclass(frozen=True)
class PostResult:
    """What happened: `sent`, `failed` or `timed_out`, why, and how many seconds it took."""

    result: str
    reason: str
    seconds: float


class Request(msgspec.Struct, frozen=True):
    """What the program reads from stdin."""

    address: str
    title: str
    text: str


class Response(msgspec.Struct, frozen=True):
    """What it writes to stdout: empty where the message was sent, else why it was not."""

    reason: str


def post_all(
    posts: Mapping[str, Post], *, timeout_seconds: float, environment: Mapping[str, str] | None = None
) -> dict[str, PostResult]:
    """What happened to the post of each channel, by its name. All are posted at once, and none takes longer than the
    limit. `environment` has the secrets; None: that of this process."""
    variables = os.environ if environment is None else environment
    with ThreadPoolExecutor(max_workers=max(1, len(posts))) as threads:
        results = threads.map(lambda post: _post(post, timeout_seconds, variables), posts.values())
        return dict(zip(posts, results, strict=True))


def _post(post: Post, timeout_seconds: float, environment: Mapping[str, str]) -> PostResult:
    began = time.perf_counter()
    try:
        address, secrets = fill_references(post.address, environment)
        result = _run(Request(address, post.title, post.text), timeout_seconds)
        result = replace(result, reason=_hide(result.reason, secrets)[:_MAX_REASON])
    except MlopsError as error:
        result = PostResult(FAILED, f"{error.what}; {error.hint}", 0.0)
    except OSError as error:  # no process could be started
        result = PostResult(FAILED, f"{type(error).__name__}: {error}", 0.0)
    return replace(result, seconds=time.perf_counter() - began)


def _run(request: Request, timeout_seconds: float) -> PostResult:
    command = [sys.executable, "-P", "-m", _PROGRAM]  # -P: import nothing from the current folder
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        try:
            output, errors = process.communicate(msgspec.json.encode(request), timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            return PostResult(TIMED_OUT, f"it did not accept the message in {timeout_seconds:g} s", 0.0)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it has started
    try:
        reason = msgspec.json.decode(output, type=Response).reason
    except msgspec.MsgspecError:
        last = next(iter(errors.decode(errors="replace").strip().splitlines()[-1:]), "it said nothing")
        return PostResult(FAILED, f"the program that sends ended with code {process.returncode}: {last}", 0.0)
    return PostResult(FAILED if reason else SENT, reason, 0.0)


def _hide(text: str, secrets: Iterable[str]) -> str:
    """The text without secrets and their parts: what services answer may repeat them."""
    parts = {part for secret in secrets for part in (secret, *re.split(r"[^A-Za-z0-9_.~-]+", secret))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _MIN_SECRET:
            text = text.replace(part, "***")
    return text
