"""docs/doctor.md, made from the list of checks: what each looks at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.doctor.catalog import CHECKS
from mlops_lab.doctor.check import Check

_INTRODUCTION = """# What is wrong here: `mlops doctor`

`mlops doctor` looks at all that a project needs: its settings, the packages, the machine, the disk, the tables, the
server, and what it uses outside of its folder. It is for the moment when something is broken, so it works without a
lake, with a broken `mlops.toml`, and without a project: what cannot be looked at is `off`, and all else is checked.

```sh
cd flights-demo         # or another project
mlops doctor
mlops doctor --json
```

| state | meaning |
| --- | --- |
| `ok` | it works |
| `warn` | it works, and should not stay like this |
| `fail` | it does not work, or is not safe; the command ends with 1 |
| `off` | it is not in use, or could not be looked at |

Each line says what was seen, and what to do where something is to be done. Nothing is changed: no half-written commit
is undone, no alert is sent, and the speed of the disk is measured with a file that has no name. It takes a second or
two. A check that gets no answer, such as from a dead file server, fails after five seconds, and the others go on.

`mlops status` says what is live and why, `mlops readiness` how ready the project is for production.

This page is made from `src/mlops_lab/doctor/catalog.py`. Do not edit it: run `make schema`.

## The checks

| check | looks at |
| --- | --- |
"""


def render_checks(checks: Sequence[Check] = CHECKS) -> str:
    """The page in Markdown."""
    return _INTRODUCTION + "".join(f"| `{check.name}` | {check.looks_at} |\n" for check in checks)


if __name__ == "__main__":  # `make schema`
    Path(sys.argv[1]).write_text(render_checks(), encoding="utf-8")
