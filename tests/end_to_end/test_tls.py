"""The server with a certificate: our own commands know it by that, others by who issued it."""

from __future__ import annotations

import http.client
import json
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import certify
from running import mlops, mlops_serve, serving, until
from slow import mostly_slow
from synthetic import World, ask, day_begin, tell
from test_up import up

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.project import Project, load_project
from mlops_lab.replay.client import Client
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.address import Address, find_server
from mlops_lab.serving.process.health_probe import probe_server
from mlops_lab.serving.process.tls import client_context, find_tls

FLAGS = ("serving.tls_certificate=tls.crt", "serving.tls_key=tls.key")


@pytest.fixture
def secured(project: Project) -> Project:
    certify(project.root)
    return load_project(project.root, flags=FLAGS)


def test_who_asks_is_answered_over_tls_by_all_workers(secured: Project, world: World) -> None:
    row = world.parcels.filter(world.parcels["asked_at"] >= day_begin(24)).row(0, named=True)
    project = load_project(secured.root, flags=[*FLAGS, "serving.workers=2"])
    with serving(project) as server:
        address = server.process.address
        assert address.url.startswith("https://127.0.0.1:")
        assert find_server(project) == address

        client = Client(address.host, address.port, tls=address.ssl_context(), connections=8)
        bodies = [json.dumps({**ask(row), "id": f"r{number}"}).encode() for number in range(200)]
        answers = client.send("/v1/predict", bodies) + client.drain()
        client.close()
        assert [status for status, _ in answers] == [200] * 200

        until(lambda: (pulse := probe_server(address)) is not None and pulse.answers == 200)

        file = secured.root / "outcomes.jsonl"
        file.write_text("".join(json.dumps({**tell(row), "id": f"r{number}"}) + "\n" for number in range(200)))
        assert mlops("outcomes", file, project=secured.root).data["counts"]["accepted"] == 200

        public = ssl.create_default_context(cafile=str(secured.root / "tls.crt"))  # as anybody would
        connection = http.client.HTTPSConnection("localhost", address.port, context=public, timeout=30)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        assert connection.sock.version() in {"TLSv1.2", "TLSv1.3"}
        connection.close()

        plain = http.client.HTTPConnection(address.host, address.port, timeout=30)
        with pytest.raises((http.client.BadStatusLine, ConnectionError)):
            plain.request("GET", "/healthz")
            plain.getresponse()
        plain.close()


def test_another_server_is_not_believed_and_is_shown_no_token(secured: Project) -> None:
    certify(secured.root, "other")
    with serving(secured) as server:
        real = server.process.address
        fake = Address(real.pid, real.host, real.port, certificate=str(secured.root / "other.crt"))
        assert probe_server(fake) is None
        with pytest.raises(ConnectionError, match="certificate verify failed"):
            Client(fake.host, fake.port, token=ensure_token(secured), tls=fake.ssl_context())
        assert probe_server(real) is not None


def test_the_name_in_the_certificate_is_the_clients_business(project: Project) -> None:
    """Our own commands ask on the loopback, whatever name the world knows the server by."""
    certify(project.root, host="DNS:model.example.com")
    with mlops_serve(project.root, *(word for flag in FLAGS for word in ("--set", flag))) as said:
        assert said["ready"].startswith("https://127.0.0.1:")
        address = find_server(project)
        assert address is not None
        assert probe_server(address) is not None


@pytest.mark.skipif(shutil.which("curl") is None and not os.environ.get("CI"), reason="curl is not installed")
def test_what_up_prints_works_as_printed(project: Project) -> None:
    certify(project.root)
    flags = [word for flag in (*FLAGS, "serving.predict_token=true") for word in ("--set", flag)]
    with up(project.root, *flags) as running:
        running.wait_for(lambda: "labels.csv\n" in running.out)
        predict, outcome, _ = (line.strip() for line in running.out.splitlines() if line.startswith("  "))
        assert " --cacert tls.crt " in predict
        assert 0 < json.loads(running.run(predict))["output"] < 1
        assert json.loads(running.run(outcome))["counts"]["accepted"] == 1


@pytest.mark.parametrize("flags", [FLAGS[:1], FLAGS[1:]])
def test_half_a_certificate_is_refused(project: Project, flags: tuple[str]) -> None:
    with pytest.raises(InvalidInput) as error:
        find_tls(load_project(project.root, flags=flags))
    assert error.value.code == "half_a_certificate"


def _other_key(folder: Path) -> None:
    certify(folder, "other")
    (folder / "other.key").replace(folder / "tls.key")


def _passphrase(folder: Path) -> None:
    command = ["openssl", "pkey", "-in", str(folder / "tls.key"), "-aes256", "-passout", "pass:x"]
    subprocess.run([*command, "-out", str(folder / "locked.key")], check=True, capture_output=True)
    (folder / "locked.key").replace(folder / "tls.key")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "tls.crt").unlink(),
        lambda folder: (folder / "tls.key").unlink(),
        lambda folder: (folder / "tls.crt").write_text(""),
        lambda folder: (folder / "tls.key").write_bytes(b"\xff\x00"),
        _other_key,
        _passphrase,
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(secured: Project, spoil: Callable[[Path], object]) -> None:
    spoil(secured.root)
    with pytest.raises(EnvironmentFault) as fault, serving(secured):
        pass
    assert fault.value.code == "bad_certificate"
    assert all(fault.value.as_dict().values())
    flags = [word for flag in FLAGS for word in ("--set", flag)]
    assert mlops("serve", "--port", "0", *flags, project=secured.root, code=3).error["code"] == "bad_certificate"


def test_a_certificate_that_is_gone_is_no_trace(tmp_path: Path) -> None:
    (tmp_path / "empty.crt").write_text("nothing")
    for name in ("none.crt", "empty.crt"):
        with pytest.raises(EnvironmentFault) as fault:
            client_context(tmp_path / name)
        assert fault.value.code == "bad_certificate"
        assert probe_server(Address(1, "127.0.0.1", 1, certificate=str(tmp_path / name))) is None


# ---- silent clients --------------------------------------------------------------------------------------------------


def health(address: Address, certificate: Path) -> int:
    context = client_context(certificate)
    connection = http.client.HTTPSConnection(address.host, address.port, context=context, timeout=20)
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
    connection.close()
    return status


def closed(held: list[socket.socket]) -> int:
    """How many of them the server has closed."""
    ended = 0
    for one in held:
        one.setblocking(False)
        try:
            ended += one.recv(1) == b""
        except BlockingIOError:
            pass
        except ConnectionError:
            ended += 1
    return ended


def test_clients_that_do_not_finish_the_handshake_count_and_are_closed(secured: Project) -> None:
    hellos = [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"]
    flags = [*FLAGS, "serving.max_connections=20", "serving.request_seconds=3"]
    with serving(load_project(secured.root, flags=flags)) as server:
        address = server.process.address
        files = Path(f"/proc/{server.pid}/fd")
        for hello in hellos:
            before = len(list(files.iterdir()))
            held = []
            try:
                for _ in range(200):
                    held.append(socket.create_connection((address.host, address.port), 20))
                    held[-1].sendall(hello)
                assert [health(address, secured.root / "tls.crt") for _ in range(3)] == [200] * 3
                assert len(list(files.iterdir())) - before <= 25  # files of its own among them
                assert closed(held) >= 180
                until(lambda held=held: closed(held) == 200, seconds=20)
                until(lambda before=before: len(list(files.iterdir())) <= before + 5, seconds=20)
            finally:
                for one in held:
                    one.close()
            assert health(address, secured.root / "tls.crt") == 200
        assert "Traceback" not in (secured.home / "server.log").read_text()


# ---- another certificate ---------------------------------------------------------------------------------------------


def shown(address: Address) -> str:
    """The certificate that a new connection is shown."""
    return ssl.get_server_certificate((address.host, address.port), timeout=20)


@pytest.mark.parametrize("workers", mostly_slow([1, 2], quick=[2]))
def test_a_renewed_certificate_is_used_without_a_restart_and_an_unusable_one_is_not(
    secured: Project, workers: int
) -> None:
    project = load_project(secured.root, flags=[*FLAGS, f"serving.workers={workers}"])
    certificate, key = secured.root / "tls.crt", secured.root / "tls.key"
    log = secured.home / "server.log"
    with serving(project) as server:
        address = server.process.address
        first, kept = shown(address), http.client.HTTPSConnection(address.host, address.port)
        kept._context = client_context(certificate)  # type: ignore[attr-defined]
        kept.connect()

        certify(secured.root, "new")
        renewed = (secured.root / "new.crt").read_text()
        (secured.root / "new.crt").replace(certificate)  # and the key some time later
        assert {shown(address) for _ in range(10)} == {first}
        assert probe_server(address) is not None, "our own commands go on"
        (secured.root / "new.key").replace(key)
        assert {shown(address).strip() for _ in range(10)} == {renewed.strip()}
        assert probe_server(address) is not None
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200, "open connections stay"
        kept.close()

        for spoil in (lambda: certificate.write_text("garbage"), certificate.unlink, lambda: key.write_text("")):
            spoil()
            os.kill(server.pid, signal.SIGHUP)
            until(lambda: "is not used, the one before it still is" in log.read_text())
            assert {shown(address).strip() for _ in range(10)} == {renewed.strip()}
            assert probe_server(address) is not None
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert all(str(certificate) in line["what"] for line in lines)
        assert len(lines) <= workers * 5, "once for each change"


@pytest.mark.parametrize("workers", mostly_slow([1, 2], quick=[2]))
def test_a_hangup_interrupts_no_answer(copy_project: Callable[..., Project], workers: int) -> None:
    """As logrotate and `systemctl reload` send it."""
    project = load_project(copy_project().root, flags=[f"serving.workers={workers}"])
    with serving(project) as server:
        talk = server.talk()
        for _ in range(20):
            os.kill(server.pid, signal.SIGHUP)
            assert talk.status["workers"] == workers
        assert server.talk().status["workers"] == workers


@pytest.mark.parametrize("workers", mostly_slow([1, 2], quick=[2]))
def test_a_terminal_that_is_closed_lets_answers_finish(copy_project: Callable[..., Project], workers: int) -> None:
    project = copy_project()
    command = [sys.executable, "-m", "mlops_lab.serving", str(project.root), "--port", "0", "--workers", str(workers)]
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
        os.execv(sys.executable, command)
    line = b""
    while b"ready" not in line:
        line += os.read(terminal, 4096)
    assert find_server(project) is not None
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert find_server(project) is None
