"""Programs beside Python that some tests need: found, or installed where that is possible, else the test is skipped."""

import functools
import os
import shutil
import subprocess

import pytest

REQUIRED = "CLAUSESCAN_CI"
"""Set by `.ci/run`: there a missing program is a failure."""


def need(*names):
    """The path of the first of these programs; they are names of Debian packages, too."""
    path, why = _find(names)
    if path is None:
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(why)
    return path


@functools.cache
def _find(names):
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        return found, None
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return None, f"needs {' or '.join(names)}, which only an administrator can install here"
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", names[0]]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run([apt, *command], capture_output=True, text=True, env=environment)
    return shutil.which(names[0]), f"{names[0]} could not be installed: {done.stderr.strip()[-200:]}"
