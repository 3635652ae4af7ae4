"""A learner's folder as it is handed out to a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.folder import README, hand_out
from mlops_lab.learn.progress import Progress, write_progress

_README = """# Exercises

Each folder has a task in its README.md, and files that fail. Repair them in any editor.

```sh
pip install {requirement}
mlops learn list
mlops learn next {first}
mlops learn check {first}
mlops learn hint {first}
```

`mlops learn check` runs your code on data that you do not see: any answer that behaves right passes. `mlops learn`
alone checks whenever you save; it adds the exercises that are not here. Keep the file mlops-learn.json: it has your
progress.

| exercise | what fails | minutes |
|---|---|---|
{rows}
"""


def fill(folder: Path, exercises: Sequence[Exercise], *, seed: int, requirement: str) -> None:
    """Write the exercises, a progress file with the seed, and a README into an empty folder."""
    for exercise in exercises:
        hand_out(folder, exercise)
    write_progress(folder, Progress(seed=seed, current=exercises[0].name))
    rows = "\n".join(
        f"| [{item.name}]({item.phase}/{item.name}) | {item.text.title} | {item.text.minutes} |" for item in exercises
    )
    text = _README.format(first=exercises[0].name, rows=rows, requirement=requirement)
    (folder / README).write_text(text, encoding="utf-8")
