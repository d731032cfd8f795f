# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels with a scene and where it lies, and the archive it travels in."""

import os
import pathlib
import zipfile

import pytest
from client import archive
from client.problem import Refused, Stop, Stopped
from conftest import HERE, blenders, made_scenes

IN_PLACE = {
    "many.blend",
    "lib/lib.blend",
    "lib/textures/library.png",
    "textures/plain.png",
    "textures/sequence_001.png",
    "textures/sequence_002.png",
    "textures/udim.1001.png",
    "textures/udim.1002.png",
}
MOVED = {"_outside/1-far/sequence_1.png", "_outside/1-far/sequence_2.png", "_outside/2-project/hidden.png"}


@pytest.fixture(scope="module", params=[*blenders().items()] or [("none", "")], ids=lambda param: param[0])
def project(request, tracer):
    """The project folder of scenes that each version of Blender has made."""
    if not request.param[1]:
        pytest.skip("scripts/test-addon.sh names the versions of Blender")
    with made_scenes(request.param[1]) as folder:
        yield folder / "project"


def packed(scene, stop, copy=None):
    from client.pack import packed

    with packed(scene, copy, stop) as packer:
        files = packer.files()
        return packer.outside(), {name: source.read_bytes() for name, source in files.items()}


def test_files_keep_their_place_or_move_below_the_scene(project, stop):
    outside, files = packed(project / "many.blend", stop)
    assert set(files) == IN_PLACE | MOVED
    far = project.parent / "far"
    assert outside == [far / "sequence_1.png", far / "sequence_2.png", project / ".hidden.png"]
    assert files["textures/plain.png"] == (project / "textures/plain.png").read_bytes()
    # The scene names what has moved where it lies now, and says nothing of where it was.
    assert b"//_outside/1-far/sequence_1.png" in files["many.blend"]
    assert b"//textures/plain.png" in files["many.blend"]


def test_a_scene_is_not_changed(project, stop):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    packed(project / "many.blend", stop)
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_a_copy_stands_for_the_scene_where_it_was(project, stop, tmp_path):
    copy = tmp_path / "many.blend"
    copy.write_bytes((project / "many.blend").read_bytes())
    there = project / "many.blend"
    kept = there.read_bytes()
    there.write_bytes(b"an older state")
    try:
        _, files = packed(there, stop, copy)
    finally:
        there.write_bytes(kept)
    assert set(files) == IN_PLACE | MOVED
    assert files["many.blend"].startswith(b"BLENDER") and b"//_outside/1-far/sequence_1.png" in files["many.blend"]
    # A scene with nothing to rewrite is read from the copy too.
    library = project / "lib" / "lib.blend"
    copy.write_bytes(library.read_bytes())
    _, files = packed(project / "lib" / "new.blend", stop, copy)
    assert files["new.blend"] == library.read_bytes() and set(files) == {"new.blend", "textures/library.png"}


def test_links_out_of_the_folder_are_asked_about(project, stop):
    plain = project / "textures" / "plain.png"
    away = project.parent / "away.png"
    os.replace(plain, away)
    plain.symlink_to(away)
    try:
        outside, files = packed(project / "many.blend", stop)
    finally:
        plain.unlink()
        os.replace(away, plain)
    assert plain in outside and "textures/plain.png" in files


def test_what_cannot_be_read_is_told(tracer, stop, tmp_path):
    scene = tmp_path / "scene.blend"
    for content in (b"", b"no scene", b"BLENDER-v405REND" + bytes(100)):
        scene.write_bytes(content)
        with pytest.raises(Refused) as caught:
            packed(scene, stop)
        assert caught.value.problem.kind == "not_packed" and "Pack Resources" in caught.value.problem.next_step


def test_the_same_files_give_the_same_archive(stop, stages, tmp_path):
    contents = {"scene.blend": b"BLENDER" * 1000, "textures/a.png": bytes(5000), "textures/é.exr": b"exr"}
    files, times = {}, {"textures/a.png": 1, "textures/é.exr": 2, "scene.blend": 3}
    for name, content in contents.items():
        files[name] = tmp_path / pathlib.Path(name).name
        files[name].write_bytes(content)
        os.utime(files[name], (times[name], times[name]))
    archive.write(files, tmp_path / "one.zip", stages, stop)
    # Written again in another order, and the scene touched.
    os.utime(files["scene.blend"], (9, 9))
    archive.write(dict(reversed(files.items())), tmp_path / "two.zip", stages, stop)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as written:
        assert written.testzip() is None
        assert written.namelist() == ["textures/a.png", "textures/é.exr", "scene.blend"]
        assert {name: written.read(name) for name in written.namelist()} == contents
        packing = [entry.compress_type for entry in written.infolist()]
    assert packing == [zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
    total = sum(map(len, contents.values()))
    assert stages[-1] == ("packing", total, total)


def test_writing_can_be_stopped(stages, tmp_path):
    stop = Stop()
    stop.set()
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(Stopped):
        archive.write({"a": tmp_path / "a"}, tmp_path / "a.zip", stages, stop)


def test_the_manifest_names_the_wheel_that_is_pinned():
    manifest = (HERE.parent / "rayswarm" / "blender_manifest.toml").read_text()
    version = (HERE.parent / "wheels.txt").read_text().partition("==")[2].split()[0]
    assert f"./wheels/blender_asset_tracer-{version}-py3-none-any.whl" in manifest
