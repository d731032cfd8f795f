# SPDX-License-Identifier: GPL-3.0-or-later
"""What lines and proxies do that a node does not: silence, cut answers, redirects, pages in place of JSON."""

import ast
import http.server
import json
import socketserver
import threading

import pytest
from client import connection, events, jobs, run
from client.problem import Offline, Refused, Stop, Stopped
from conftest import HERE

RUNNING, DONE = {"state": "rendering"}, {"state": "done"}


class Server:
    """Answers each call with the next of what was prepared for its path: (status, headers, body). A body shorter than
    it says is a line that was lost."""

    def __init__(self):
        self.answers, self.asked = {}, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, headers, body = server.answers[self.path.split("?")[0]].pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        # The usual server asks the network what this machine is called.
        self._http = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def prepare(self, path, *answers):
        self.answers[path] = [self._whole(*answer) for answer in answers]

    @staticmethod
    def _whole(status, body, headers=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return status, {"Content-Length": str(len(body)), **(headers or {})}, body

    def close(self):
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture
def node(server):
    return connection.Node(server.address, "secret")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(connection, "PAUSES_S", (0, 0))
    monkeypatch.setattr(events, "FIRST_PAUSE_S", 0)


def test_gaps_in_the_line_are_bridged(server, node, stop):
    server.prepare("/v1/node", (503, b"down"), (200, b"{", {"Content-Length": "9"}), (200, {"version": "1"}))
    assert jobs.describe(node, stop) == {"version": "1"}
    assert server.asked[0][1]["authorization"] == "Bearer secret"


def test_a_node_that_stays_away_is_told_of(server, node, stop):
    server.prepare("/v1/node", *[(502, b"")] * 3)
    with pytest.raises(Offline) as caught:
        jobs.describe(node, stop)
    assert server.address in caught.value.problem.detail and "rayswarm up" in caught.value.problem.next_step
    assert len(server.asked) == 3


def test_patience_is_had_when_asked_for(server, node, stop):
    problem = {"type": "too_many_calls", "title": "Too many calls", "detail": "slowly"}
    server.prepare("/v1/node", (429, problem), (200, {}))
    assert jobs.describe(node, stop) == {}
    server.prepare("/v1/node", (403, {**problem, "next_step": "wait"}))
    with pytest.raises(Refused) as caught:
        jobs.describe(node, stop)
    assert (caught.value.problem.status, caught.value.problem.next_step) == (403, "wait")


def test_redirects_do_not_carry_the_token_away(server, node, stop):
    server.prepare("/v1/node", (302, b"", {"Location": server.address + "/elsewhere"}))
    with pytest.raises(Refused) as caught:
        jobs.describe(node, stop)
    assert caught.value.problem.status == 302 and len(server.asked) == 1


def test_what_is_no_node_is_told_apart(server, node, stop):
    for status in (200, 404):
        server.prepare("/v1/node", (status, b"<html>It works!</html>"))
        with pytest.raises(Refused) as caught:
            jobs.describe(node, stop)
        assert caught.value.problem.kind == "no_node" and "It works!" in caught.value.problem.detail


def test_events_are_read():
    text = b": alive\n\nevent: job\nid: 7\ndata: {\ndata: }\n\nid:8\nevent:log\ndata:x\r\n\r\nevent: job\ndata: cut off"
    found = list(events.parse(text.splitlines(keepends=True)))
    assert found == [events.Event("job", "{\n}", "7"), events.Event("log", "x", "8")]


def test_a_job_is_followed_over_lost_lines(server, node, stop):
    def stream(*told):
        return b"".join(f"event: job\nid: {number}\ndata: {json.dumps(job)}\n\n".encode() for number, job in told)

    cut = {"Content-Length": "9999"}
    server.prepare(
        "/v1/events", (200, stream((4, RUNNING), (5, RUNNING)), cut), (503, b""), (200, stream((6, DONE)), cut)
    )
    server.prepare("/v1/jobs/j", (200, {"state": "quoted"}), (200, RUNNING))
    lost = []
    follower = events.Follower(node, "j", stop, lost.append)
    states = [summary["state"] for summary in follower.summaries()]
    assert states == ["quoted", "rendering", "rendering", "rendering", "done"]
    heard = [headers.get("last-event-id") for path, headers in server.asked if path.startswith("/v1/events")]
    assert heard == [None, "5", "5"]
    assert [problem and problem.kind for problem in lost] == [None, "offline", None]


def test_what_was_missed_is_asked_for(server, node, stop):
    server.prepare("/v1/events", (200, b"event: reset\nid: 9\ndata: {}\n\n"))
    server.prepare("/v1/jobs/j", (200, RUNNING), (200, DONE))
    follower = events.Follower(node, "j", stop, lambda problem: None)
    assert list(follower.summaries()) == [RUNNING, DONE]


def test_following_can_be_stopped(server, node):
    stop = Stop()
    server.prepare("/v1/events", (200, b": alive\n\n: alive\n\n"))
    server.prepare("/v1/jobs/j", (200, RUNNING))
    summaries = events.Follower(node, "j", stop, lambda problem: None).summaries()
    assert next(summaries) == RUNNING
    stop.set()
    with pytest.raises(Stopped):
        next(summaries)


def test_a_download_that_was_cut_off_goes_on(server, node, stop, tmp_path):
    output = {"index": 3, "name": "../a\\shot.png", "bytes": 10}
    place = "/v1/jobs/j/outputs/3"
    server.prepare(place, (200, b"0123", {"Content-Length": "10"}), (502, b""), (206, b"456789"))
    path = jobs.fetch(node, "j", output, tmp_path, stop)
    assert path == tmp_path / "shot.png" and path.read_bytes() == b"0123456789"
    assert [headers.get("range") for _, headers in server.asked] == [None, "bytes=4-", "bytes=4-"]
    server.prepare(place, *[(200, b"0123", {"Content-Length": "10"})] * 3)
    with pytest.raises(Offline):
        jobs.fetch(node, "j", output, tmp_path, stop)


def test_a_run_ends_with_a_problem_whatever_happens(tmp_path):
    running = run.Run(run.Order(node=None, results=tmp_path, job="any"))
    running.start()
    assert running.reports.get() == run.Stage("connecting")
    assert running.reports.get().problem.kind == "failed"
    call = run.Call(lambda: {}["nothing"])
    assert "KeyError" in call.problems.get().detail


def test_threads_cannot_touch_blender():
    for path in (HERE.parent / "rayswarm" / "client").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not any(name and name.split(".")[0] in ("bpy", "mathutils") for name in names), path
