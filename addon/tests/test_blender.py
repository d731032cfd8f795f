# SPDX-License-Identifier: GPL-3.0-or-later
"""The built add-on in headless Blender, against a real node."""

import os
import subprocess

import pytest
from conftest import HERE, blenders


@pytest.mark.parametrize("version", blenders() or ["none"])
def test_an_artist_sends_scenes_and_gets_pictures(version, daemon, tmp_path, scenes):
    addon = os.environ.get("RAYSWARM_ADDON")
    if version not in blenders() or not addon:
        pytest.skip("scripts/test-addon.sh names the add-on and the versions of Blender")
    command = [
        blenders()[version],
        "-B",
        HERE / "whole_run.py",
        addon,
        daemon.address,
        daemon.token,
        scenes,
        tmp_path / "results",
    ]
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "user"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "whole run in Blender" in done.stdout, done.stdout + done.stderr
