"""Compiles forest.c while the package is built or installed. Without a C compiler the package works, but slower."""

import os
import shlex
import shutil
import subprocess
import sysconfig
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("src/mlops_lab/registry/engines")


class ForestHook(BuildHookInterface):
    """Makes libforest.so, which forest.py loads, beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile; where that fails, say why, and build a package of Python alone."""
        folder = Path(self.root) / FOLDER
        compiler = shlex.split(os.environ.get("CC", "cc"))
        if shutil.which(compiler[0]) is None:
            self.app.display_warning(f"no C compiler ({compiler[0]}): LightGBM's own library will serve its models")
            return
        # -ffp-contract=off: a sum must not depend on whether the machine can multiply and add in one step.
        source = f"-DSOURCE={zlib.crc32((folder / 'forest.c').read_bytes())}"
        rules = ["-O3", "-fPIC", "-pthread", "-ffp-contract=off", source]
        options = [*rules, "-shared", "-o", "libforest.so.new", "forest.c", "-lm"]
        done = subprocess.run([*compiler, *options], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            self.app.display_warning(f"forest.c does not compile: {done.stderr}")
            return
        (folder / "libforest.so.new").replace(folder / "libforest.so")  # a server may have the old one open
        build_data["artifacts"].append(str(FOLDER / "libforest.so"))
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
