# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share: the client on the path, a real node, scenes made by Blender. Tests that need what is not here are
skipped; scripts/test-addon.sh says where to look."""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# Every sandbox covers /tmp with its own, so a folder below it would not be seen inside.
SCRATCH = "/var/tmp"
PATIENCE_S = 120

sys.path.insert(0, str(HERE.parent / "rayswarm"))

from client.connection import Node  # noqa: E402
from client.problem import Stop  # noqa: E402


def blenders():
    """Version -> its Python, as RAYSWARM_BLENDERS says."""
    return dict(entry.split("=", 1) for entry in os.environ.get("RAYSWARM_BLENDERS", "").split())


def until(what, ask):
    """Asks again until the answer is something."""
    end = time.monotonic() + PATIENCE_S
    while not (answer := ask()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)
    return answer


class Daemon:
    """A node with its provider role on, in a folder that goes away with it."""

    def __init__(self, program, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rayswarm-addon-", dir=SCRATCH))
        self._program, self._options = program, options
        self._data = self.folder / "node"
        self._start("127.0.0.1:0")
        self.node.call("POST", "/v1/wallet/faucet")

    def start_again(self):
        """At the same address, after `kill`."""
        self._start(self.address.removeprefix("http://"))

    def _start(self, http):
        command = [self._program, "up", "--data-dir", self._data, "--provide", "--threads", "1"]
        command += ["--http", http, "--listen", "127.0.0.1:0", *self._options]
        daemon_file = self._data / "daemon.json"
        daemon_file.unlink(missing_ok=True)
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until("the node", lambda: self._process.poll() is not None or daemon_file.exists())
        assert self._process.poll() is None, self.log.read_text()
        self.address = f"http://{json.loads(daemon_file.read_text())['http']}"
        self.token = (self._data / "token").read_text().strip()
        self.node = Node(self.address, self.token)
        until("its provider role", lambda: self.node.call("GET", "/v1/node")["provider_ready"])

    def kill(self):
        self._process.kill()
        self._process.wait()

    def end(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def program():
    path = pathlib.Path(os.environ.get("RAYSWARM_BIN", ROOT / "target/debug/rayswarm"))
    if not path.is_file():
        pytest.skip(f"{path} is not built; make build")
    return path


@pytest.fixture(scope="session")
def daemon(program):
    running = Daemon(program, "--https", "127.0.0.1:0")
    yield running
    running.end()


@pytest.fixture(scope="session")
def scenes():
    """A folder with the scenes of make_scenes.py, in the version of Blender that the node renders with."""
    python = next((python for version, python in blenders().items() if version.startswith("4.5.")), None)
    store = pathlib.Path(os.environ.get("RAYSWARM_ENGINES", pathlib.Path.home() / ".local/share/rayswarm/engines"))
    python = python or next(map(str, store.glob("blender-4.5.*/bin/python")), None)
    if not python:
        pytest.skip("no Blender 4.5 to make scenes with; make engines")
    with made_scenes(python) as folder:
        yield folder


class made_scenes:
    """A folder with scenes that this Blender has made."""

    def __init__(self, python):
        self._folder = tempfile.TemporaryDirectory(prefix="rayswarm-scenes-", dir=SCRATCH)
        folder = os.path.join(self._folder.name, "scenes")
        done = subprocess.run([python, "-B", HERE / "make_scenes.py", folder], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def __enter__(self):
        return pathlib.Path(self._folder.name) / "scenes"

    def __exit__(self, *_):
        self._folder.cleanup()


@pytest.fixture(scope="session")
def tracer():
    """Blender Asset Tracer, out of the wheel that the add-on ships."""
    addon = os.environ.get("RAYSWARM_ADDON")
    if not importlib.util.find_spec("blender_asset_tracer"):
        wheels = sorted(pathlib.Path(addon).parent.glob("wheels/*.whl")) if addon else []
        if not wheels:
            pytest.skip("no Blender Asset Tracer; scripts/build-addon.sh fetches it")
        sys.path.insert(0, str(wheels[-1]))


@pytest.fixture
def stop():
    return Stop()


@pytest.fixture
def stages():
    """What was reported, to be given to whatever reports."""

    class Stages(list):
        def __call__(self, *stage):
            self.append(stage)

    return Stages()
