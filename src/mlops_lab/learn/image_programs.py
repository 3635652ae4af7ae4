"""The programs that the commands of an image find while it is built: a few of this machine, and stand-ins."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = (
    *("bash", "sh", "cat", "cp", "mv", "rm", "mkdir", "touch", "echo", "printf", "env", "grep", "sed", "test", "true"),
    *("false", "ls", "chmod", "head", "tr", "cut", "sort"),
)
PIP = """
target="$ROOT/usr/local/lib/python3.12/site-packages"
while [ $# -gt 0 ]; do
  case "$1" in
    -r|--requirement) shift; text="$text$(cat "$1")" || exit 1 ;;
    -t|--target|--prefix) shift; target="$1" ;;
    --target=*|--prefix=*) target="${1#*=}" ;;
  esac
  shift
done
mkdir -p "$target"
echo "$text" > "$target/installed.txt"
"""
"""Instead of installing, writes the requirements to installed.txt, where the packages would be."""
INSTALL = """
while [ $# -gt 0 ]; do
  case "$1" in
    -d|--directory) ;;
    -o|--owner) shift; owner="$1" ;;
    --owner=*) owner="${1#*=}" ;;
    -m|--mode) shift; mode="$1" ;;
    --mode=*) mode="${1#*=}" ;;
    -g|--group) shift ;;
    -*) ;;
    *) folders+=("$1") ;;
  esac
  shift
done
mkdir -p "${folders[@]}" || exit 1
[ -z "$mode" ] || chmod "$mode" "${folders[@]}" || exit 1
[ -z "$owner" ] || chown "$owner" "${folders[@]}"
"""
"""`install -d`, which makes folders that a user owns."""
STAND_INS = {
    "pip": PIP,
    "pip3": 'exec pip "$@"',
    "python": '[ "$1 $2" = "-m pip" ] && shift 2 && exec pip "$@"',
    "install": INSTALL,
    "chown": 'echo "$(pwd) $*" >> "$BUILD_LOG.owners"',
    "useradd": 'echo "$@" >> "$BUILD_LOG.users"',
    "adduser": 'echo "$@" >> "$BUILD_LOG.users"',
    "groupadd": "",
    "addgroup": "",
    "apt-get": "",
}
"""What would change the machine, or needs a network or root. `$BUILD_LOG` keeps what the build must know of it."""


def write_programs(folder: Path, stand_ins: Mapping[str, str]) -> None:
    """Fill the folder, the only one on the PATH of a build; `stand_ins` are bash scripts by their name."""
    folder.mkdir(parents=True)
    for program in PROGRAMS:
        if found := shutil.which(program):
            (folder / program).symlink_to(found)
    for name, script in {**STAND_INS, **stand_ins}.items():
        (folder / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
        (folder / name).chmod(0o755)
