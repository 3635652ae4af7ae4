"""Each refusal of a server becomes an error with a hint, and no password is sent where it does not belong."""

from __future__ import annotations

from pathlib import Path

import pytest
from certificates import certify
from file_server import serve_file

from mlops_lab.errors import EnvironmentFault, MlopsError, NotFound
from mlops_lab.lake import remote_http
from mlops_lab.lake.sources import read_data

CSV = b"id,price\na,1.5\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (404, NotFound, "no_file"),
        (403, EnvironmentFault, "not_allowed"),
        (401, EnvironmentFault, "not_allowed"),
        (500, EnvironmentFault, "download_failed"),
    ],
)
def test_a_refusal_is_an_error(status: int, kind: type[MlopsError], code: str) -> None:
    with serve_file(CSV) as server:
        server.status = status
        with pytest.raises(kind) as caught:
            read_data(f"http://127.0.0.1:{server.port}/a.csv?token=s3cr3t")
    assert (caught.value.code, caught.value.where) == (code, f"http://127.0.0.1:{server.port}/a.csv")
    assert "s3cr3t" not in str(caught.value.as_dict())


def test_no_server_is_an_error() -> None:
    with pytest.raises(EnvironmentFault, match="cannot be reached") as caught:
        read_data("http://127.0.0.1:1/a.csv")
    assert caught.value.code == "download_failed"


def test_a_silent_server_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_http, "TIMEOUT_SECONDS", 0.3)
    with serve_file(CSV) as server:
        server.status, server.delay_seconds = 200, 2.0
        with pytest.raises(EnvironmentFault, match=r"silent for 0\.3 seconds"):
            read_data(f"http://127.0.0.1:{server.port}/a.csv")


def test_the_password_is_that_of_netrc_and_stays_with_its_host(home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password s3cr3t\n")
    (home / ".netrc").chmod(0o600)
    with serve_file(CSV) as server, serve_file(CSV) as other:
        server.redirect = f"http://localhost:{other.port}/b.csv"
        assert read_data(f"http://127.0.0.1:{server.port}/a.csv").height == 1
    assert server.authorizations == ["Basic bWU6czNjcjN0"]
    assert other.authorizations == [None]


def test_https_is_read_where_the_certificate_is_trusted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certify(home)
    with serve_file(CSV, certificate=home / "tls.crt") as server:
        with pytest.raises(EnvironmentFault, match="certificate is not trusted"):
            read_data(f"https://127.0.0.1:{server.port}/a.csv")
        monkeypatch.setenv("SSL_CERT_FILE", str(home / "tls.crt"))
        assert read_data(f"https://127.0.0.1:{server.port}/a.csv").height == 1
        server.redirect = "http://127.0.0.1:1/a.csv"
        with pytest.raises(MlopsError) as caught:
            read_data(f"https://127.0.0.1:{server.port}/a.csv")
    assert caught.value.code == "bad_redirect"
