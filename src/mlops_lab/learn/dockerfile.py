"""The text of a Dockerfile as instructions: what the exercises about images build, without Docker."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

NAMES = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "RUN"),
    *("SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)


class DockerfileFault(Exception):
    """What in a Dockerfile, or in its build, does not work; the message begins with the line."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: `--name=value` flags apart, as a list, since a flag may come twice."""

    name: str
    text: str
    flags: list[tuple[str, str]] = field(default_factory=list)

    def flag(self, name: str) -> str | None:
        """The last value of a flag; None where it is not given."""
        return next((value for flag, value in reversed(self.flags) if flag == name), None)

    @property
    def line(self) -> str:
        """The instruction as one line."""
        return " ".join([self.name, *(f"--{name}={value}" for name, value in self.flags), self.text])

    @property
    def words(self) -> list[str]:
        """The arguments: of the form `["a", "b"]`, or separated by spaces."""
        if self.text.startswith("["):
            try:
                return [str(word) for word in json.loads(self.text)]
            except ValueError:
                pass  # Docker, too, takes it for a shell command then
        return shlex.split(self.text)


def read_instructions(text: str) -> list[Instruction]:
    """The instructions in order; DockerfileFault for a word that is none."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    return [_read(line.strip()) for line in joined.splitlines() if line.strip()]


def _read(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    if word.upper() not in NAMES:
        raise DockerfileFault(f"{line}: {word} is no instruction of a Dockerfile")
    if "<<" in rest:
        raise DockerfileFault(f"{line}: this exercise does not build here-documents; use && and \\")
    flags, rest = [], rest.strip()
    while found := re.match(r"--([a-z-]+)(?:=(\S+))?\s+", rest):
        flags.append((found[1], found[2] or ""))
        rest = rest[found.end() :]
    return Instruction(word.upper(), rest, flags)


def substitute(text: str, variables: dict[str, str]) -> str:
    """The text with `$NAME`, `${NAME}` and `${NAME:-default}` replaced, as Docker does it outside of RUN."""

    def value(found: re.Match[str]) -> str:
        return variables.get(found[1] or found[3], found[2] or "")

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)", value, text)
