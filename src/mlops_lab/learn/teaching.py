"""docs/teaching.md: a course for instructors. `python -m mlops_lab.learn.teaching docs/teaching.md` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from mlops_lab.learn.catalog import PHASES, find_exercise, read_exercises
from mlops_lab.learn.course import CLASS_MINUTES, EVIDENCE, LAB_WEEKS, WEEKS, Week
from mlops_lab.learn.labs.catalog import read_labs

_INTRODUCTION = """# Teaching a course

Twelve weeks, each with a class of {class_minutes} minutes and exercises to do alone: {exercises} of them, about
{hours:.0f} hours. Times are estimates for somebody who has the prerequisites; plan twice as much for a beginner.
Students need Linux, Python 3.11 or newer, and git; no network while they work.
[All exercises](learn.md).

## Hand out, grade, report

```sh
printf 'ada\\ngrace\\n' > students.txt
mlops learn export week-1.zip ids-as-floats truncated-file unseeded silent-nan
mlops learn export zips foundations --students students.txt --seed 2026
mlops learn export template foundations --to classroom
mlops learn export course foundations --to nbgrader
mlops learn export notebooks foundations --to otter
mlops learn report .
```

- **A zip file** holds the folder `mlops-learn`. Without names it has all exercises; names are exercises or phases.
- **`--students`** makes a zip file for each student, with other hidden data in each: the seed comes from the name and
  from `--seed`, so the same course gives the same data again. An answer that fits one student's data fails for others.
- **GitHub Classroom:** `--to classroom` writes a template repository. Its workflow runs `mlops learn check NAME` as a
  test for each exercise, with a point for each minute; the id of a student's repository is the seed. The workflow does
  not protect itself: in the settings of the assignment, protect the folder `.github`.
- **nbgrader:** `--to nbgrader` writes a course folder: an assignment for each phase, a notebook for each exercise. Its
  test cells need this package where they run. All students get the same hidden data.
- **Otter:** `--to otter` writes a notebook for each exercise. `otter assign` makes of it what students get, and what
  grades. The test needs this package where it runs. All students get the same hidden data.
- **`mlops learn report FOLDER`** reads what students handed in, below a folder. From each `mlops-learn.json`: exercises
  solved by phase, hints shown, when the last one was solved. From each `mlops-lab.json`: the lab, which of its checks
  have passed, which are open. Let a lab's folder be `STUDENT/LAB`, or anywhere beside the student's exercises.
  Students could edit these files. To be sure, grade again: `mlops learn check NAME --folder STUDENT --seed 7`, with any
  seed, or `mlops lab check FOLDER`. It runs their code: do it where that may go wrong.

Solutions are in the package that students install: who looks for them finds them. Grade what somebody can explain.
There is no export for Moodle; it can run `mlops learn check`, whose exit code is 0 or 1.

"""


_LABS = """## Labs

For teams, or instead of an examination. `mlops lab start NAME FOLDER --seed 7` makes one; a seed for each student gives
each other data. `mlops lab check FOLDER --json` grades what was handed in: the whole folder, with `.mlops`.
It runs the student's code: do it where that may go wrong.
Each is about the orders of a made-up shop, real flights (`--data flights`), or a table of the student's own
(`--data FILE --target COLUMN`): [what it needs](learn.md#labs). Of the flights, a seed chooses the weeks and the
sample. The rows of flights and tables lie in the folder of the lab, hidden ones too, in `.lab`: who looks finds them.
"""


def render_course() -> str:
    """The page: how to hand out and grade, the weeks, the labs, and what each exercise is evidence for."""
    exercises = read_exercises()
    hours = sum(exercise.text.minutes for exercise in exercises) / 60
    head = _INTRODUCTION.format(class_minutes=CLASS_MINUTES, exercises=len(exercises), hours=hours)
    weeks = "\n".join(_week(number, week) for number, week in enumerate(WEEKS, 1))
    return f"{head}## The weeks\n\n{weeks}\n{_labs()}\n{_evidence()}"


def _week(number: int, week: Week) -> str:
    exercises = [find_exercise(name) for name in week.exercises]
    minutes = sum(exercise.text.minutes for exercise in exercises)
    programs = sorted({program for exercise in exercises for program in exercise.text.programs})
    needs = f"{week.needs}; installed: {', '.join(programs)}" if programs else week.needs
    names = ", ".join(f"`{exercise.name}`" for exercise in exercises)
    return f"""### {number}. {week.title}

- Before: {needs}.
- In class, {CLASS_MINUTES} minutes: {week.in_class}
- Alone, {minutes} minutes: {names}
"""


def _labs() -> str:
    rows = [
        f"| `{lab.name}` | {lab.text.evidence} | {lab.text.minutes / 60:g} | {LAB_WEEKS[lab.name]} |"
        for lab in read_labs()
    ]
    head = ["| lab | who finished it … | hours | from week |", "|---|---|---|---|"]
    return "\n".join([_LABS, *head, *rows]) + "\n"


def _evidence() -> str:
    week_of = {name: number for number, week in enumerate(WEEKS, 1) for name in week.exercises}
    parts = ["## What each exercise is evidence for\n\nWho solved it …\n"]
    for phase in PHASES:
        rows = [
            f"| `{item.name}` | {EVIDENCE[item.name]} | {item.text.minutes} | {week_of[item.name]} |"
            for item in read_exercises()
            if item.phase == phase
        ]
        head = [f"### {phase.capitalize()}", "", "| exercise | evidence | minutes | week |", "|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":  # `make schema`
    Path(sys.argv[1]).write_text(render_course(), encoding="utf-8")
