"""Parts of the session that need no Blender: `python -m unittest discover engines/blender/tests`."""

import gzip
import io
import json
import os
import sys
import tempfile
import unittest
from types import SimpleNamespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import fluids
import sequences
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

    def test_newer_files_are_refused_with_what_can_be_done(self):
        for content in (b"BLENDER17-01v0501" + END, b"BLENDER-v406" + END, gzip.compress(b"BLENDER17-01v0500" + END)):
            refused = self.refusal(content)
            self.assertEqual(refused.code, "newer_file")
        refused = self.refusal(b"BLENDER17-01v0501" + END)
        self.assertIn("saved by Blender 5.1", refused.message)
        self.assertIn("open it in Blender 4.5", refused.remedy)
        self.assertNotIn("engines install", refused.remedy)

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


class Sequences(unittest.TestCase):
    """The expected numbers are those that Blender 4.5 answered (`Image.filepath_from_user`, `VolumeGrids.frame`)."""

    def shown(self, frames, **settings):
        return [sequences.image_number(SimpleNamespace(**settings), frame) for frame in frames]

    def test_pictures_before_and_after_their_time(self):
        frames = (-1, 0, 1, 3, 5, 6, 99)
        settings = {"frame_duration": 5, "frame_start": 1, "frame_offset": 0, "use_cyclic": False}
        self.assertEqual(self.shown(frames, **settings), [0, 0, 1, 3, 5, 5, 5])
        self.assertEqual(self.shown(frames, **{**settings, "use_cyclic": True}), [4, 5, 1, 3, 5, 1, 4])
        settings |= {"frame_start": 3, "frame_offset": 10}
        self.assertEqual(self.shown(frames, **settings), [10, 10, 10, 11, 13, 14, 15])

    def test_pictures_that_do_not_follow_the_frame_are_not_guessed(self):
        user = {"frame_duration": 2, "frame_start": 1, "frame_offset": 0, "use_cyclic": True}
        follows, stands = (SimpleNamespace(**user, use_auto_refresh=on) for on in (True, False))
        self.assertEqual(sequences.image_numbers([follows], range(1, 9)), {1, 2})
        self.assertEqual(sequences.image_numbers([follows, stands], range(1, 9)), set())

    def test_volumes_repeat_as_they_are_told(self):
        def shown(mode):
            volume = SimpleNamespace(frame_duration=3, frame_start=1, frame_offset=0, sequence_mode=mode)
            return [next(iter(sequences.volume_numbers(volume, [frame])), None) for frame in range(-1, 8)]

        self.assertEqual(shown("CLIP"), [None, None, 1, 2, 3, None, None, None, None])
        self.assertEqual(shown("EXTEND"), [1, 1, 1, 2, 3, 3, 3, 3, 3])
        self.assertEqual(shown("REPEAT"), [2, 3, 1, 2, 3, 1, 2, 3, 1])
        self.assertEqual(shown("PING_PONG"), [3, 2, 1, 2, 3, 2, 1, 2, 3])

    def test_files_are_numbered_in_the_name_s_last_digits(self):
        self.assertEqual(sequences.files("/a/v2_007b.exr", {12, 3}), ["/a/v2_003b.exr", "/a/v2_012b.exr"])
        self.assertEqual(sequences.files("/a/still.exr", {1}), [])


class Fluids(unittest.TestCase):
    def domain(self, **settings):
        everything = {
            "cache_type": "ALL", "domain_type": "LIQUID", "has_cache_baked_data": True, "use_mesh": False,
            "has_cache_baked_mesh": False, "use_noise": False, "has_cache_baked_noise": False,
            "has_cache_baked_particles": False, **dict.fromkeys(fluids.DROPS, False),
        }  # fmt: skip
        return fluids.unbaked_parts(SimpleNamespace(**{**everything, **settings}))

    def test_what_is_shown_must_be_baked(self):
        self.assertEqual(self.domain(), [])
        self.assertEqual(self.domain(has_cache_baked_data=False), ["flow"])
        self.assertEqual(self.domain(cache_type="REPLAY"), ["flow"])
        self.assertEqual(self.domain(use_mesh=True), ["mesh"])
        self.assertEqual(self.domain(use_mesh=True, has_cache_baked_mesh=True), [])
        self.assertEqual(self.domain(use_spray_particles=True), ["particles"])
        self.assertEqual(self.domain(domain_type="GAS", use_noise=True), ["noise"])
        # Left over from when the domain was another.
        self.assertEqual(self.domain(domain_type="GAS", use_mesh=True, use_foam_particles=True), [])
        self.assertEqual(self.domain(use_noise=True), [])


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
