"""Builds the wheel: cargo makes the shared library, and the wheel gets it beside the package.

The library has no Python in it (the package calls its C ABI by ctypes), so one wheel serves every Python of a platform.
CATENA_LIB names a library that is there already, or its folder; then cargo is not needed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LIBRARY = {"darwin": "libcatena.dylib", "win32": "catena.dll"}.get(sys.platform, "libcatena.so")
# What the package reads when it is loaded, and where that stands in the repository.
SHARED = {"abi.json": REPOSITORY / "bindings/abi.json", "include/catena.h": REPOSITORY / "include/catena.h"}


class Version(MetadataHookInterface):
    """The version of the package is that of the crate."""

    def update(self, metadata: dict[str, Any]) -> None:
        manifest = (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8")
        found = re.search(r'^version = "([^"]+)"', manifest, re.MULTILINE)
        if found is None:
            raise ValueError(f"{REPOSITORY / 'Cargo.toml'} names no version")
        metadata["version"] = found[1]


def built_library() -> Path:
    """The library that CATENA_LIB names, or the one that cargo builds."""
    given = os.environ.get("CATENA_LIB")
    if given:
        path = Path(given)
        path = path / LIBRARY if path.is_dir() else path
        if not path.is_file():
            raise FileNotFoundError(f"CATENA_LIB: expected the file {LIBRARY} or its folder, got {given}")
        return path
    try:
        # Debug information would make the wheel ten times as large.
        environment = {"CARGO_PROFILE_RELEASE_STRIP": "debuginfo", **os.environ}
        subprocess.run(["cargo", "build", "--release", "--lib"], cwd=REPOSITORY, env=environment, check=True)
    except FileNotFoundError:
        raise RuntimeError("building Catena needs cargo (https://rustup.rs), or CATENA_LIB naming a built library") from None
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return (target if target.is_absolute() else REPOSITORY / target) / "release" / LIBRARY


class Library(BuildHookInterface):
    """Adds the library, and names the platform that the wheel is for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        platform = re.sub(r"[^A-Za-z0-9_]", "_", sysconfig.get_platform())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        folder = "catena/_native"
        # An editable package finds header and table where they stand; it needs the library beside it all the same.
        files = {LIBRARY: built_library(), **SHARED}
        build_data["force_include"].update({str(path): f"{folder}/{name}" for name, path in files.items()})
