"""An image while it is built: its file system in a folder, its layers, and who owns which file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Layer:
    """What one instruction added: `text` as the history of the image shows it, the content of `files` by their path.

    The layer comes from the cache where an earlier build had the same `key`.
    """

    text: str
    key: str
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Stage:
    """An image while it is built. `root` is its file system.

    `owners` has who owns a path, where not root; `users` the number of each user, "" where nobody chose it.
    """

    root: Path
    layers: list[Layer] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=lambda: {"root": "0", "nobody": "65534", "www-data": "33"})
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    command: list[str] = field(default_factory=list)

    @property
    def user_name(self) -> str:
        """The name of the user who runs the next command."""
        return self.name_of(self.user)

    def name_of(self, user: str) -> str:
        """The name of a user given as `name`, `number` or with a group behind it; the number where it has no name."""
        user = user.partition(":")[0]
        return next((name for name, number in self.users.items() if number == user), user)

    def may_write(self, path: str) -> bool:
        """Whether the user may make or change what is at a path: it owns it, or the nearest folder that exists."""
        path = os.path.normpath(os.path.join(self.folder, path))
        while path != "/" and not self.inside(path).exists():
            path = os.path.dirname(path)
        if self.user_name in ("root", self.owners.get(path)) or path.startswith(("/tmp", f"/home/{self.user_name}")):
            return True
        return bool(self.inside(path).stat().st_mode & stat.S_IWOTH)

    def inside(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.root / os.path.normpath(os.path.join(self.folder, path)).lstrip("/")

    def files(self) -> dict[str, bytes]:
        """The content of each file by its path."""
        paths = (path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        return {f"/{path.relative_to(self.root)}": path.read_bytes() for path in paths}


def read_user(arguments: str) -> dict[str, str]:
    """The name that useradd or adduser was given, and the number, "" where it was given none."""
    words = arguments.replace("=", " ").split()
    number = next((word for flag, word in pairwise(words) if flag in ("-u", "--uid")), "")
    names = [word for word in words if word[0] not in "-/" and not word.isdecimal()]
    return {names[-1]: number} if names else {}
