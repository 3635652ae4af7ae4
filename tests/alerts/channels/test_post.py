"""Posting: a real message to a webhook; what is dead, slow or wrong is told, in time, and without secrets."""

import sys
import time
from pathlib import Path

import pytest
from webhook import open_webhook, skip_without_apprise

from mlops_lab.alerts.channels import post
from mlops_lab.alerts.channels.post import FAILED, SENT, TIMED_OUT, Post, post_all


def test_a_channel_that_does_not_answer_costs_no_more_than_the_limit():
    skip_without_apprise()
    with open_webhook() as hanging:
        hanging.answers.clear()
        began = time.perf_counter()
        posts = {name: Post(f"json://{hanging.address}/?rto=60", "t", "b") for name in ("one", "two")}
        results = post_all(posts, timeout_seconds=1)
        assert time.perf_counter() - began < 30
    assert [item.result for item in results.values()] == [TIMED_OUT] * 2
    assert all("it did not accept the message in 1 s" in item.reason for item in results.values())


def test_a_message_arrives_and_a_channel_that_is_dead_or_wrong_says_why():
    skip_without_apprise()
    with open_webhook() as good, open_webhook() as refusing:
        refusing.status = 403
        environment = {"GOOD": f"json://{good.address}/alerts", "WORD": "correct/horse"}
        results = post_all(
            {
                "good": Post("env:GOOD", "shop: parity", "look at it"),
                "dead": Post("json://127.0.0.1:9/", "t", "b"),
                "refusing": Post(f"json://lab:env:WORD@{refusing.address}/", "t", "b"),
                "unknown": Post("jsno://env:WORD/", "t", "b"),
            },
            timeout_seconds=60,
            environment=environment,
        )
        assert {name: item.result for name, item in results.items()} == {
            "good": SENT, "dead": FAILED, "refusing": FAILED, "unknown": FAILED,
        }  # fmt: skip
        (body,) = good.received
        assert (body["title"], body["message"]) == ("shop: parity", "look at it")
    assert results["good"].reason == ""
    assert "403" in results["refusing"].reason
    assert "does not understand the address" in results["unknown"].reason
    assert not any("horse" in item.reason for item in results.values())


def test_a_variable_that_is_not_set_is_named_and_nothing_is_started(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(post, "_PROGRAM", "no_such_program")
    (result,) = post_all({"ops": Post("env:NOT_SET", "t", "b")}, timeout_seconds=5, environment={}).values()
    assert result.result == FAILED
    assert result.reason.startswith("the environment variable NOT_SET is not set; set NOT_SET where the loop runs")


def test_a_program_that_dies_is_told_without_the_secrets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(post, "_PROGRAM", "no_such_program")
    environment = {"OPS": "slack://AAAA-no_such_program/token"}
    (result,) = post_all({"ops": Post("env:OPS", "t", "b")}, timeout_seconds=10, environment=environment).values()
    assert result.result == FAILED
    assert "ended with code 1" in result.reason
    assert "No module named" in result.reason


def test_no_channel_is_no_result():
    assert post_all({}, timeout_seconds=1) == {}


def test_parts_of_secrets_are_hidden():
    text = "401 for https://hooks.example.com/T0/secrettoken?x=a"
    assert post._hide(text, ["slack://T0/secrettoken"]) == "401 for https://hooks.example.com/T0/***?x=a"


def test_an_address_is_no_argument_of_a_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Other users of the machine see the arguments of every process."""
    started = []
    run = post.subprocess.Popen
    monkeypatch.setattr(post.subprocess, "Popen", lambda command, **kw: started.append(command) or run(command, **kw))
    monkeypatch.setattr(post, "_PROGRAM", "no_such_program")
    post_all({"ops": Post("env:OPS", "t", "b")}, timeout_seconds=10, environment={"OPS": "slack://token"})
    assert started == [[sys.executable, "-P", "-m", "no_such_program"]]
