"""Pages opened in a real browser: files of a folder on loopback, headless Chromium, and what the page posts back."""

from __future__ import annotations

import functools
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 100


def find_program(*names: str, package: str) -> str:
    """The program's path; without it the test is skipped, and fails in CI."""
    for name in names:
        if found := shutil.which(name):
            return found
    assert not os.environ.get("CI"), f"CI lacks {package}"
    pytest.skip(f"needs {names[0]} (Debian: apt install {package})")


def install_web_packages(folder: Path, **versions: str) -> None:
    """Make the folder, with packages of npm in its `node_modules`; where they cannot be fetched the test is skipped."""
    npm = find_program("npm", package="npm")
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": versions}))
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    if done.returncode:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip(f"npm cannot fetch {', '.join(versions)}: {done.stderr[-200:]}")


def open_page(folder: Path, page: str, profile: Path) -> Any:
    """What the page of the folder posts as JSON to `/told`."""
    told: queue.Queue[Any] = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    return show(page, functools.partial(Handler, directory=str(folder)), told, profile=profile)


def show(
    page: str,
    handler: Callable[..., BaseHTTPRequestHandler],
    told: queue.Queue[Any],
    *,
    profile: Path,
    more: Sequence[str] = (),
) -> Any:
    """Open a page of a server with this handler in the browser, with `more` options; what comes into `told` then."""
    browser = find_program(*BROWSERS, package="chromium")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        # no name but that of this server is looked up: what a page loads from elsewhere fails
        options += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [browser, *options, *more, f"http://127.0.0.1:{server.server_port}/{page}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return told.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            pytest.fail(f"{page} told nothing; is {browser} running? exit code: {process.poll()}")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            server.shutdown()
