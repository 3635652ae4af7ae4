"""Pages audited in a real browser with axe-core, at the width of a phone, in the light and the dark scheme."""

from __future__ import annotations

import json
import queue
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from browsing import show

WIDTH = 390
_FRAME = f"""<!doctype html><html lang="en"><title>audit</title>
<iframe title="page" style="width: {WIDTH}px; height: 844px; border: 0" src="PAGE"></iframe></html>"""
_AUDIT = """
<script src="/axe.js"></script>
<script>
// the page is complete when nothing in it has changed for a while
let last = performance.now();
new MutationObserver(() => { last = performance.now(); }).observe(document, { subtree: true, childList: true });
const timer = setInterval(async () => {
  if (document.readyState !== "complete" || performance.now() - last < 500) return;
  clearInterval(timer);
  const found = await axe.run(document, { iframes: false });
  const wide = document.documentElement;
  const problems = found.violations.flatMap((rule) => rule.nodes.map(
    (node) => rule.id + ": " + node.target.join(" ") + " " + node.any.map((check) => check.message).join("; ")));
  const beyond = wide.scrollWidth > wide.clientWidth ? ["wider than the window: " + wide.scrollWidth] : [];
  const passed = found.passes.map((rule) => rule.id);
  fetch("/told", { method: "POST", body: JSON.stringify({ problems: problems.concat(beyond), passed,
    width: innerWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches, text: document.body.innerText }) });
}, 100);
</script>"""


def audit_page(site: str, page: str, *, axe: Path, profile: Path, dark: bool = False) -> dict[str, Any]:
    """What axe-core finds wrong with the page of a site (`http://...` or a folder), which rules it keeps, and its text.

    The page is shown in a frame of a page of ours, which passes on what the site answers: so that it is as narrow as a
    phone, and the audit runs in it whatever its own policy for scripts.
    """
    told: queue.Queue[dict[str, Any]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/audit":
                self._reply(200, "text/html", _FRAME.replace("PAGE", page).encode())
            elif self.path == "/axe.js":
                self._reply(200, "text/javascript", axe.read_bytes())
            elif "://" not in site:
                self._reply(200, "text/html", (Path(site) / self.path[1:]).read_bytes())
            else:
                try:
                    accepted = {"Accept": self.headers["Accept"] or "*/*"}
                    with urlopen(Request(site + self.path, headers=accepted)) as answer:
                        self._reply(answer.status, answer.headers["Content-Type"], answer.read())
                except HTTPError as error:
                    self._reply(error.code, "text/plain", b"")

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._reply(204, "text/plain", b"")

        def _reply(self, status: int, media: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.end_headers()
            is_audited = media.startswith("text/html") and self.path != "/audit"
            self.wfile.write(body.replace(b"</body>", _AUDIT.encode() + b"</body>") if is_audited else body)

        def log_message(self, *arguments: Any) -> None:
            pass

    more = [f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--window-size=1000,1000"]
    return show("audit", Handler, told, profile=profile, more=more)
