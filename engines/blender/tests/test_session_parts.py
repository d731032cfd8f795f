"""Parts of the session that need no Blender: `python -m unittest discover engines/blender/tests`."""

import gzip
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from header import check_file
from play import Player
from protocol import Channel, Refused

ENGINE = (4, 5, 15)
END = b"ENDB" + bytes(20)


class Header(unittest.TestCase):
    def check(self, content):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return check_file(file.name, ENGINE)

    def refusal(self, content):
        with self.assertRaises(Refused) as caught:
            self.check(content)
        return caught.exception

    def test_versions_are_read(self):
        self.assertEqual(self.check(b"BLENDER-v405RENDER" + END), (4, 5))
        self.assertEqual(self.check(b"BLENDER_V248RENDER" + END), (2, 48))
        self.assertEqual(self.check(gzip.compress(b"BLENDER-v276RENDER" + END)), (2, 76))
        self.assertIsNone(self.check(b"\x28\xb5\x2f\xfd rest"))

    def test_newer_files_name_the_version_to_install(self):
        for content in (b"BLENDER17-01v0501" + END, b"BLENDER-v406" + END, gzip.compress(b"BLENDER17-01v0500" + END)):
            refused = self.refusal(content)
            self.assertEqual(refused.code, "newer_file")
        self.assertIn("engines install blender 5.1", self.refusal(b"BLENDER17-01v0501" + END).remedy)

    def test_what_is_no_blend_file_is_refused(self):
        for content in (b"", b"PK\x03\x04", b"BLENDER", b"blender-v405"):
            self.assertEqual(self.refusal(content).code, "not_a_blend")

    def test_cut_off_files_are_refused(self):
        compressed = gzip.compress(os.urandom(1000).join([b"BLENDER-v276RENDER", END]))
        for content in (b"BLENDER-v405RENDER" + bytes(100), compressed[:-20], compressed[:300]):
            self.assertEqual(self.refusal(content).code, "truncated")


class Frames:
    """Stands for a scene; records the frames it was set to."""

    def __init__(self):
        self.set = []

    def frame_set(self, frame):
        self.set.append(frame)


class Playing(unittest.TestCase):
    def test_frames_are_played_in_order_and_only_once(self):
        scene = Frames()
        player = Player(scene)
        player.go(3, 1, lambda _: None)
        player.go(5, 1, lambda _: None)
        self.assertEqual(scene.set, [1, 2, 3, 4, 5])

    def test_going_back_starts_again(self):
        scene = Frames()
        player = Player(scene)
        player.go(3, 1, lambda _: None)
        player.go(2, 1, lambda _: None)
        self.assertEqual(scene.set, [1, 2, 3, 1, 2])

    def test_tiles_of_one_frame_set_it_once(self):
        scene = Frames()
        player = Player(scene)
        for frame in (7, 7, 8, 7):
            player.go(frame, None, lambda _: None)
        self.assertEqual(scene.set, [7, 8, 7])

    def test_a_jump_forgets_what_was_played(self):
        scene = Frames()
        player = Player(scene)
        player.go(2, 1, lambda _: None)
        player.go(9, None, lambda _: None)
        player.go(3, 1, lambda _: None)
        self.assertEqual(scene.set, [1, 2, 9, 1, 2, 3])


class Speaking(unittest.TestCase):
    def test_events_carry_their_request_s_number(self):
        reader, writer = os.pipe()
        channel = Channel(io.StringIO('{"id":4,"op":"quit"}\n'), writer)
        self.assertEqual(channel.next(), {"id": 4, "op": "quit"})
        channel.progress(10, "a")
        channel.progress(20, "too soon")
        channel.ok({"x": 1}, {"cpu_millis": 2})
        with os.fdopen(reader) as events:
            first, second = json.loads(events.readline()), json.loads(events.readline())
        self.assertEqual(first, {"id": 4, "event": "progress", "milli": 10, "note": "a"})
        self.assertEqual(second, {"id": 4, "event": "ok", "result": {"x": 1}, "cpu_millis": 2})
        self.assertIsNone(channel.next())


if __name__ == "__main__":
    unittest.main()
