"""Where a server listens, and how its own machine reaches it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.writer import Journal
from mlops_lab.project import Project
from mlops_lab.serving.process.address import Address, address_path, check_no_server, find_server, listen


@pytest.mark.parametrize(
    ("host", "certificate", "local_host", "url"),
    [
        ("127.0.0.1", None, "127.0.0.1", "http://127.0.0.1:8321"),
        ("0.0.0.0", None, "127.0.0.1", "http://127.0.0.1:8321"),
        ("::", None, "::1", "http://[::1]:8321"),
        ("10.0.0.7", "cert.pem", "10.0.0.7", "https://10.0.0.7:8321"),
        ("fe80::1", "cert.pem", "fe80::1", "https://[fe80::1]:8321"),
    ],
)
def test_a_url_for_clients_on_this_machine(host: str, certificate: str | None, local_host: str, url: str) -> None:
    address = Address(1, host, 8321, certificate=certificate)
    assert (address.local_host, address.url) == (local_host, url)


def test_a_url_with_another_name_of_the_host() -> None:
    assert Address(1, "0.0.0.0", 80).url_with("model.example.com") == "http://model.example.com:80"


def test_plain_http_needs_no_certificate() -> None:
    assert Address(1, "127.0.0.1", 80).ssl_context() is None


def test_a_missing_certificate_is_an_error_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        Address(1, "127.0.0.1", 80, certificate=str(tmp_path / "no.pem")).ssl_context()
    assert (caught.value.code, caught.value.where) == ("bad_certificate", str(tmp_path / "no.pem"))


@pytest.fixture
def project(write_project: object, tmp_path: Path) -> Project:
    project: Project = write_project(tmp_path)  # type: ignore[operator]
    project.home.mkdir()
    return project


def write_address(project: Project, *, pid: int) -> Address:
    address = Address(pid, "127.0.0.1", 8321)
    address_path(project).write_bytes(msgspec.json.encode(address))
    return address


def test_a_server_is_found_while_it_lives_and_locks_the_journal(project: Project) -> None:
    assert find_server(project) is None, "no file"
    address = write_address(project, pid=os.getpid())
    assert find_server(project) is None, "the process lives, and is no server"
    journal = Journal(project.journal_path)
    try:
        assert find_server(project) == address
        with pytest.raises(EnvironmentFault) as caught:
            check_no_server(project)
        assert caught.value.code == "journal_locked"
        assert str(os.getpid()) in (caught.value.where or "")
        write_address(project, pid=2**22 + 1)  # beyond what Linux gives to any process
        assert find_server(project) is None
    finally:
        journal.close()
    check_no_server(project)


HUGE = '{"pid": 1000000000000000000, "host": "h", "port": 1}'


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x", "host": "h", "port": 1}', HUGE])
def test_a_damaged_file_means_no_server(project: Project, text: str) -> None:
    address_path(project).write_text(text)
    assert find_server(project) is None


def test_a_port_is_bound_once() -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(EnvironmentFault) as caught:
            listen("127.0.0.1", port)
        assert (caught.value.code, caught.value.where) == ("port_busy", f"127.0.0.1:{port}")
    listen("127.0.0.1", port).close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
def test_an_address_of_ipv6_is_bound_too() -> None:
    with listen("::1", 0) as listener:
        assert listener.family == socket.AF_INET6
