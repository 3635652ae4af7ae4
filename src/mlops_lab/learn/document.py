"""docs/learn.md: the exercises and labs by topic. `python -m mlops_lab.learn.document docs/learn.md` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from mlops_lab.learn.catalog import PHASES, read_exercises
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.labs.catalog import read_labs
from mlops_lab.learn.labs.lab import Lab
from mlops_lab.learn.topics import TOPICS

_INTRODUCTION = """# Exercises

`mlops learn` makes the folder `mlops-learn`, shows the first exercise, and watches its files. Each is a short piece
of code that fails the way something failed in the world. Repair it in any editor. A moment after each save you read
what was seen, and what was expected. The check runs your code on data that you do not see, so any answer that behaves
right passes. No network is needed.

```sh
mlops learn                          # makes the folder, and watches; the lines below in another terminal
mlops learn list
mlops learn next ids-as-floats
mlops learn hint                     # asks first; the second shows where to look, the third tells
mlops learn reset                    # hands the files out again, and keeps yours beside them
```

While `mlops learn` runs, type the same words there (`next`, `hint`, `list` …). `mlops learn check` gives one verdict,
with exit code 0 or 1; `mlops learn solution` shows ours, once you have yours. Progress is in
`mlops-learn/mlops-learn.json`. Editors: `--json` prints one object a line ([schemas](json/README.md)). Where a
network file system reports no changes, set `WATCHFILES_FORCE_POLLING=1`.

After `mlops demo`, `mlops learn tour` asks about ten questions about its project: which version answers, on which
evidence, of which facts a prediction was made. Each names the command that answers it, to run in a second terminal;
what you type is checked against the tables of the project. Type `skip` or `quit` at any time. For a script,
`mlops learn tour --json` prints the questions, and `mlops learn tour --question live --answer "2, 2013-03-15"` checks
one answer, with exit code 0 or 1.

Your code runs as your user, in a process of its own, on a copy of the folder: for at most 20 seconds, 3 of them
computing, with 4 GB of memory. That is no sandbox: do not run answers of strangers.
"""


_LABS = """## Labs

An exercise takes minutes, a lab some hours: a story, a project on your machine that is not as it should be, and checks
of how it behaves at the end. Each check runs your project in a copy: a lake, a server, decisions, git, hidden data.

```sh
mlops lab list
mlops lab start notebook-to-service  # makes a folder of that name; begin with its README.md
mlops lab hint --folder notebook-to-service
```

`mlops lab check`, in that folder, says of each check what was seen and what was expected; exit code 0 or 1.

Each lab can be about the orders of a made-up shop (`--data shop`, the default: nothing to install, and quickest to
make), about real flights of 2013 (`mlops lab start planted-skew --data flights`; needs `mlops-lab[flights]`), or about
a table of your own (`--data FILE --target COLUMN`, and `--key` and `--time` where you like). Your table needs a target
with two values, a column of amounts, and as many rows as are said below. What else it lacks is made up: days, a key,
groups, the moment at which an outcome is known. If no lab can be made of it, you read why, and nothing is written.

| lab | what you do | hours | own table: rows |
|---|---|---|---|
{rows}

A check takes seconds or, where it trains, a minute; `--only NAME` runs one. `mlops lab hint NAME` has three hints each.
`mlops lab start NAME DIR --seed 7` makes the same lab for everybody; without a seed, each gets other data.
"""


def render_index() -> str:
    """The page: an introduction, a table of the exercises of each phase, the labs, and an index of topics."""
    exercises = read_exercises()
    minutes = sum(exercise.text.minutes for exercise in exercises)
    lines = [_INTRODUCTION, f"{len(exercises)} exercises, about {minutes / 60:.0f} hours.\n"]
    for phase in PHASES:
        rows = [_row(exercise) for exercise in exercises if exercise.phase == phase]
        head = [f"## {phase.capitalize()}", "", "| about | exercise | what fails | minutes |", "|---|---|---|---|"]
        lines.append("\n".join([*head, *rows]) + "\n")
    lines.append(_LABS.format(rows="\n".join(map(_lab_row, read_labs()))))
    topics = (topic for topics in TOPICS.values() for topic in topics.items())
    index = [f"| {topic} | {', '.join(f'`{name}`' for name in names)} |" for topic, names in topics]
    lines.append("\n".join(["## Index of topics", "", "| topic | exercises and labs |", "|---|---|", *index]) + "\n")
    return "\n".join(lines)


def _lab_row(lab: Lab) -> str:
    needs = lab.load().NEEDS
    rows = needs.days * needs.min_per_day
    return f"| `{lab.name}` | {lab.text.summary} | {lab.text.minutes / 60:g} | {rows:,} |"


def _row(exercise: Exercise) -> str:
    text = exercise.text
    needs = f" (needs {', '.join(text.programs)})" if text.programs else ""
    return f"| {text.topic} | `{exercise.name}`{needs} | {text.title} | {text.minutes} |"


if __name__ == "__main__":  # `make schema`
    Path(sys.argv[1]).write_text(render_index(), encoding="utf-8")
