# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a real node."""

import hashlib
import os
import re
import threading

import pytest
from client import archive, connection, jobs, run, upload
from client.connection import Node
from client.events import Follower
from client.problem import Offline, Refused, Stop, Stopped
from conftest import PATIENCE_S, Daemon

CHUNK = upload.CHUNK_BYTES


@pytest.fixture
def big(tmp_path):
    """An archive of three chunks, of which no node has heard before."""
    path = tmp_path / "scene.zip"
    (tmp_path / "scene.blend").write_bytes(os.urandom(2 * CHUNK + 1000))
    archive.write({"scene.blend": tmp_path / "scene.blend"}, path, lambda *_: None, Stop())
    return path


@pytest.fixture
def shot(scenes, tmp_path):
    """The scene as an archive without its textures."""
    path = tmp_path / "scene.zip"
    archive.write({"shot.blend": scenes / "project" / "shot.blend"}, path, lambda *_: None, Stop())
    return path


def sent_bytes(stages):
    return max((total for name, _, total in stages if name == "sending"), default=0)


def test_only_missing_chunks_are_sent(daemon, big, stop, stages):
    first = upload.upload(daemon.node, big, "scene.blend", stages, stop)
    assert sent_bytes(stages) == big.stat().st_size
    assert [stage for stage in stages if stage[0] == "sending"][-1] == (
        "sending",
        big.stat().st_size,
        big.stat().st_size,
    )
    shown = daemon.node.call("GET", f"/v1/uploads/{first}")
    assert (shown["complete"], shown["scene"]) == (True, "scene.blend")
    stages.clear()
    assert upload.upload(daemon.node, big, "scene.blend", stages, stop) == first
    assert sent_bytes(stages) == 0
    # What comes last in the archive has changed: its head is known.
    with big.open("ab") as file:
        file.write(b"a comment's worth of bytes")
    pieces = upload.pieces_of(big, stages, stop)
    wanted = {"path": "scene.zip", "bytes": big.stat().st_size, "chunks": [piece.sha256 for piece in pieces]}
    begun = daemon.node.call("POST", "/v1/uploads", {"files": [wanted], "scene": "scene.blend"})
    assert begun["missing"] == [pieces[-1].sha256]


def test_an_upload_goes_on_where_it_stopped(daemon, big, stages):
    stop = Stop()

    def stop_after_one(name, done, total):
        stages(name, done, total)
        if name == "sending" and done:
            stop.set()

    with pytest.raises(Stopped):
        upload.upload(daemon.node, big, "scene.blend", stop_after_one, stop)
    stages.clear()
    upload.upload(daemon.node, big, "scene.blend", stages, Stop())
    assert 0 <= sent_bytes(stages) < big.stat().st_size


def test_an_archive_that_changes_on_the_way_is_refused(daemon, big, stop):
    def spoil(name, done, total):
        if name == "sending" and not done:
            with big.open("r+b") as file:
                file.write(b"spoilt")

    with pytest.raises(Refused) as caught:
        upload.upload(daemon.node, big, "scene.blend", spoil, stop)
    assert caught.value.problem.kind == "wrong_hash" and "again" in caught.value.problem.next_step


def test_refusals_of_the_node_say_what_to_do(daemon, shot, stop):
    with pytest.raises(Refused) as caught:
        upload.upload(daemon.node, shot, "other.blend", lambda *_: None, stop)
    assert caught.value.problem.kind == "no_scene" and caught.value.problem.next_step
    with pytest.raises(Refused) as caught:
        Node(daemon.address, "wrong").call("GET", "/v1/jobs")
    problem = caught.value.problem
    assert (problem.status, problem.kind) == (401, "wrong_token") and "rayswarm studio" in problem.next_step
    with pytest.raises(Refused) as caught:
        jobs.find(daemon.node, "no job is called so", stop)
    assert caught.value.problem.kind == "no_such_job"


def test_a_token_without_the_right_to_spend_can_quote_only(daemon, shot, stop):
    made = daemon.node.call("POST", "/v1/tokens", {"name": "quotes", "scopes": ["read", "jobs"]})
    node = Node(daemon.address, made["token"])
    sent = upload.upload(node, shot, "shot.blend", lambda *_: None, stop)
    with pytest.raises(Refused) as caught:
        jobs.create(node, sent, {"auto_start": True}, "a key", stop)
    assert caught.value.problem.kind == "scope_missing" and "root token" in caught.value.problem.next_step


def test_one_key_makes_one_job_and_missing_files_are_named(daemon, shot, stop):
    sent = upload.upload(daemon.node, shot, "shot.blend", lambda *_: None, stop)
    settings = {"name": "without its textures", "frames": [1]}
    job = jobs.create(daemon.node, sent, settings, "one key", stop)
    assert jobs.create(daemon.node, sent, settings, "one key", stop)["id"] == job["id"]
    *_, last = Follower(daemon.node, job["id"], stop, lambda _: None).summaries()
    assert last["state"] == "failed" and "left.png" in last["problem"]["detail"], last
    assert jobs.find(daemon.node, "without its tex", stop)["id"] == job["id"]
    assert jobs.find(daemon.node, job["id"], stop)["id"] == job["id"]


def reports(running):
    """All that a run reports, to its end."""
    found = []
    while not found or not isinstance(found[-1], run.Ended):
        found.append(running.reports.get(timeout=300))
        if isinstance(found[-1], run.Question):
            running.answer(True)
    return found


def test_a_run_renders_a_scene_and_fetches_its_bytes(daemon, scenes, tracer, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    order = run.Order(
        node=daemon.node,
        results=tmp_path,
        scene=scenes / "project" / "shot.blend",
        scratch=scratch,
        settings={"name": "plain run", "frames": [1, 2], "auto_start": True},
        budget="1000",
    )
    running = run.Run(order)
    running.start()
    found = reports(running)
    assert found[-1] == run.Ended(), found[-1]
    (question,) = [one for one in found if isinstance(one, run.Question)]
    assert question.files == (str(scenes / "far" / "right.png"),)
    (quoted,) = [one for one in found if isinstance(one, run.Quoted)]
    assert quoted.quote["frames"] == 2 and quoted.decimals == 18
    names = [one.name for one in found if isinstance(one, run.Stage)]
    order_of_first = sorted(set(names), key=names.index)
    # Whether something is sent depends on what other tests have sent.
    order_of_first = [name for name in order_of_first if name != "sending"]
    assert order_of_first == ["connecting", "tracing", "packing", "hashing", "unpacking", "fetching"]
    (job,) = {one.summary["id"] for one in found if isinstance(one, run.JobChanged)}
    fetched = [one for one in found if isinstance(one, run.Fetched)]
    assert [one.output["frame"] for one in fetched] == [1, 2]
    for one in fetched:
        with daemon.node.open("GET", f"/v1/jobs/{job}/outputs/{one.output['index']}") as answer:
            assert one.path.read_bytes() == answer.read()
    assert not scratch.exists()
    rest_of_a_download(daemon, job, fetched[0], tmp_path)


def rest_of_a_download(daemon, job, fetched, folder):
    """A download that was cut off is not begun anew."""
    whole = fetched.path.read_bytes()
    part = folder / "cut.part"
    part.write_bytes(b"kept" + whole[4:10])
    jobs.fetch_rest(daemon.node, f"/v1/jobs/{job}/outputs/{fetched.output['index']}", part, len(whole), Stop())
    assert part.read_bytes() == b"kept" + whole[4:]


def test_a_refusal_before_packing_costs_nothing(daemon, scenes, tmp_path):
    order = run.Order(daemon.node, tmp_path, scene=scenes / "project" / "shot.blend", budget="much")
    running = run.Run(order)
    running.start()
    found = reports(running)
    assert found[-1].problem.kind == "bad_budget" and [type(one) for one in found] == [run.Stage, run.Ended]


def test_files_newer_than_the_nodes_blender_do_not_travel(tmp_path):
    engines = [{"name": "povray", "version": "3.7"}, {"name": "blender", "version": "4.5.15"}]
    saved, copied = (run.Order(None, tmp_path, copy=copy) for copy in (None, tmp_path / "copy.blend"))
    for order, version, word in ((saved, (5, 0), "open it in Blender 4.5"), (copied, (4, 6), "without changes")):
        with pytest.raises(Refused) as caught:
            run.refuse_newer(order, version, engines)
        assert caught.value.problem.kind == "newer_file" and word in caught.value.problem.next_step
    run.refuse_newer(saved, (4, 5), engines)
    run.refuse_newer(saved, (2, 79), engines)
    # Without a Blender of its own the node says itself what it thinks.
    run.refuse_newer(saved, (9, 0), engines[:1])


def test_an_own_certificate_is_trusted_by_its_fingerprint_only(daemon):
    said = daemon.log.read_text()
    address, fingerprint = re.search(r"(https://\S+), certificate SHA-256 (\w+)", said).groups()
    assert Node(address, daemon.token, fingerprint).call("GET", "/v1/node")["version"]
    with pytest.raises(Refused) as caught:
        Node(address, daemon.token).call("GET", "/v1/node")
    assert caught.value.problem.kind == "unknown_certificate" and "SHA-256" in caught.value.problem.next_step
    other = hashlib.sha256(b"another").hexdigest()
    with pytest.raises(Refused) as caught:
        Node(address, daemon.token, other).call("GET", "/v1/node")
    assert caught.value.problem.kind == "wrong_certificate"


def test_a_job_is_followed_over_a_node_that_is_killed(program, scenes, tracer, stop, tmp_path, monkeypatch):
    from client.pack import packed

    monkeypatch.setattr(connection, "PAUSES_S", ())
    with packed(scenes / "project" / "shot.blend", None, stop) as packer:
        archive.write(packer.files(), tmp_path / "scene.zip", lambda *_: None, stop)
    daemon = Daemon(program)
    try:
        sent = upload.upload(daemon.node, tmp_path / "scene.zip", "shot.blend", lambda *_: None, stop)
        job = jobs.create(daemon.node, sent, {"frames": [1]}, "key", stop)
        lost, quoted, seen = threading.Event(), threading.Event(), []

        def follow():
            follower = Follower(daemon.node, job["id"], stop, lambda problem: problem and lost.set())
            for summary in follower.summaries():
                seen.append(summary["state"])
                if seen[-1] == "quoted":
                    quoted.set()

        thread = threading.Thread(target=follow)
        thread.start()
        assert quoted.wait(PATIENCE_S), seen
        daemon.kill()
        assert lost.wait(PATIENCE_S)
        with pytest.raises(Offline):
            jobs.describe(daemon.node, stop)
        daemon.start_again()
        jobs.cancel(daemon.node, job["id"])
        thread.join(PATIENCE_S)
        assert seen[-1] == "cancelled", seen
    finally:
        stop.set()
        daemon.end()
