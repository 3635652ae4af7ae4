"""The code blocks of README.md and docs/, and a shell that types them as a reader would."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running import MLOPS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
KINDS = {"sh", "python", "json", "toml", "text"}
"""Typed into a shell; run; what the shell block above prints; settings; neither typed nor run (output, a drawing)."""
PORT = "8321"

TYPED = """
set -eo pipefail
trap 'echo "this line fails: $BASH_COMMAND" >&2' ERR
await() {  # until a server answers, or is dead
  for _ in $(seq 600); do command curl -sf -o "$OUT/awaited" "$1" && return; kill -0 "$2"; sleep 0.2; done; return 1
}
stop() { if [ -n "$server" ]; then kill "$server"; wait "$server" || true; server=; fi; }
trap stop EXIT
mlops() {  # a server runs beside the lines below it, as in a terminal of its own
  case "$1" in
    up | serve)
      stop
      MLOPS "$@" --port PORT > "$OUT/server" 2>&1 & server=$!
      await http://127.0.0.1:PORT/readyz "$server" || { cat "$OUT/server" >&2; return 1; } ;;
    page)
      stop
      MLOPS "$@" --port PORT > "$OUT/server" 2>&1 & server=$!
      await http://127.0.0.1:PORT/ "$server" || { cat "$OUT/server" >&2; return 1; } ;;
    learn)
      if [ $# -gt 1 ]; then MLOPS "$@"; return; fi
      stop
      MLOPS learn > "$OUT/server" 2>&1 & server=$!
      for _ in $(seq 300); do test -e mlops-learn/mlops-learn.json && return; sleep 0.2; done
      cat "$OUT/server" >&2; return 1 ;;
    *) MLOPS "$@" ;;
  esac
}
mlflow() {
  stop
  command mlflow "$@" --port PORT --workers 1 > "$OUT/server" 2>&1 & server=$!
  await http://127.0.0.1:PORT/health "$server" || { cat "$OUT/server" >&2; return 1; }
  stop
}
make() { command make -n -C ROOT "$@"; }  # the demo of `replayed` stands for `make demo`; the rest is asked of make
pip() { python -m pip "$1" --dry-run --no-index --no-deps --no-build-isolation "${@:2}"; }
curl() { command curl --fail-with-body "$@"; }
npm() { test -f package.json; }  # test_web_pages.py opens the page
python() { PYTHON "$@"; }
"""
RUN = """
import ast, sys
*statements, last = ast.parse(open(sys.argv[1], encoding="utf-8").read()).body
names = {}
exec(compile(ast.Module([*statements, last], []), sys.argv[1], "exec"), names)
if "model" in names:
    assert hasattr(names["model"](), "fit")
if isinstance(last, ast.Expr):
    names["shown"] = eval(compile(ast.Expression(last.value), sys.argv[1], "eval"), names)
    assert names["shown"] is not None
"""


@dataclass(frozen=True)
class Block:
    """A block of code: the page, the line of its first line, its kind and its text."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"


def read_blocks(page: Path) -> list[Block]:
    """All blocks of a page, in their order. A block begins and ends with a line of three backticks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    fences = [number for number, line in enumerate(lines) if line.lstrip().startswith("```")]
    assert len(fences) % 2 == 0, f"{page}: a block does not end"
    return [
        Block(page, begin + 2, lines[begin].strip().removeprefix("```"), "\n".join([*lines[begin + 1 : end], ""]))
        for begin, end in zip(fences[::2], fences[1::2], strict=True)
    ]


def commands_of(block: Block) -> list[str]:
    """The commands of a shell block without comments: a line each, or several lines that belong together."""
    joined = re.sub(r"<<'(\w+)'\n.*?^\1$", "", block.text, flags=re.MULTILINE | re.DOTALL)  # what is read, not typed
    joined = re.sub(r"\\\n\s*", "", joined)
    found, begun = [], ""
    for line in joined.splitlines():
        begun += line
        try:
            words = shlex.split(begun, comments=True)
        except ValueError:  # within quotes
            begun += "\n"
            continue
        found += [shlex.join(words)] if words else []
        begun = ""
    assert not begun, f"{block}: a quote does not end"
    return found


def type_page(page: Path, folder: Path, scratch: Path) -> None:
    """Type all lines of a page into one shell, in `folder`; AssertionError names the line that fails.

    What is shown in a json block must be what the shell block above it prints.
    """
    scratch.mkdir()
    port = str(free_port())
    blocks = [block for block in read_blocks(page) if block.kind in {"sh", "python", "json"}]
    script = [TYPED.replace("PORT", port).replace("MLOPS", shlex.join(MLOPS))]
    script[0] = script[0].replace("ROOT", shlex.quote(str(ROOT))).replace("PYTHON", shlex.quote(sys.executable))
    (scratch / "run.py").write_text(RUN)
    for number, block in enumerate(blocks):
        if block.kind == "sh":
            script.append(f'{{ :\n{block.text.replace(PORT, port)}}} > "$OUT/{number}"')
        elif block.kind == "python":
            (scratch / f"{number}.py").write_text(block.text)
            script.append(f'python "$OUT/run.py" "$OUT/{number}.py"')
    done = _run_shell("\n".join(script), folder, scratch)
    assert done == 0, f"{page.name}\n{(scratch / 'err').read_text()[-3000:]}"
    for number, block in enumerate(blocks):
        if block.kind == "json":
            printed = json.loads((scratch / f"{number - 1}").read_text())
            assert rounded(printed) == json.loads(block.text), f"{block}: prints {json.dumps(rounded(printed))}"


def _run_shell(script: str, folder: Path, scratch: Path) -> int:
    """The exit code of bash with the script. All that it started ends with it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MLOPS_")}
    variables |= {"OUT": str(scratch), "server": "", "COLUMNS": "120"}
    with (scratch / "err").open("w") as err:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=err,
            stderr=err,
            start_new_session=True,
        )
        try:
            return shell.wait(timeout=600)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def rounded(value: Any) -> Any:
    """The same with numbers as a page shows them."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {name: rounded(item) for name, item in value.items()} if isinstance(value, dict) else value
