"""A headless Chromium that a test drives through its pipe: pages at any width and in any scheme, keys, and scripts."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browsing import BROWSERS, PATIENCE_SECONDS, find_program

_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
_AXE = """(async () => {
  const found = await axe.run(document);
  const wide = document.documentElement;
  return {
    problems: found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} ` +
      node.any.concat(node.all, node.none).map((check) => check.message).join("; "))),
    passed: found.passes.map((rule) => rule.id),
    beyond: wide.scrollWidth - wide.clientWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
  };
})()"""


class Browser:
    """One tab of the browser. `problems` are the errors that its pages wrote to their console."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._number, self._buffer, self._session = 0, b"", ""
        self.problems: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str, *, width: int = 1024, dark: bool = False) -> None:
        """Show a page, and wait until it and its scripts are loaded."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href === {json.dumps(url)}")

    def run(self, script: str) -> Any:
        """The value of a script in the page; of a promise, what it becomes."""
        found = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until a script in the page is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.run(script):
            assert time.monotonic() < end, f"it never was true: {script}\n{self.run('document.body.innerText')}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key, as a person does."""
        named = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key)
        self._call("Input.dispatchKeyEvent", type="keyDown", **named, **({"text": text} if text else {}))
        self._call("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self._call("Input.insertText", text=text)

    def audit(self, axe: Path) -> dict[str, Any]:
        """What axe-core finds wrong with the page (`problems`), which rules it keeps (`passed`), and by how many pixels
        it is wider than the window (`beyond`)."""
        self.run(axe.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.run(_AXE)
        return found

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        session = {"sessionId": self._session} if self._session else {}
        os.write(self._write, json.dumps(message | session).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        """Keep what a page complains of: a script that failed, or what its policy forbids."""
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(event["params"]["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.problems.append(event["params"]["entry"]["text"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], PATIENCE_SECONDS)
            part = os.read(self._read, 1 << 20) if ready else b""
            assert part, "the browser does not answer"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        decoded: dict[str, Any] = json.loads(message)
        return decoded


@contextmanager
def driving(profile: Path) -> Iterator[Browser]:
    """A browser, which is killed at the end. It looks up no name."""
    program = find_program(*BROWSERS, package="chromium")
    (ours_in, theirs_out), (theirs_in, ours_out) = os.pipe(), os.pipe()
    # the browser reads commands from file 3 and writes answers to file 4
    launch = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
    options = [*_OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    options += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
    process = subprocess.Popen(
        ["bash", "-c", launch, "browser", str(theirs_in), str(theirs_out), program, *options, "about:blank"],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(ours_in, ours_out)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours_in)
        os.close(ours_out)
