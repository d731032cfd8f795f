"""The command line that needs no Blender: `python -m unittest discover engines/commands/tests`."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from blender import Blender, Refused, frames, steps


class Frames(unittest.TestCase):
    def test_frames_are_read_as_blender_does(self):
        for text, expected in [
            ("7", [7]),
            ("1,3,8..10", [1, 3, 8, 9, 10]),
            ("+1", [11]),
            ("-1", [19]),
            ("+0..-0", list(range(10, 21))),
        ]:
            self.assertEqual(frames(text, 10, 20), expected, text)

    def test_what_are_no_frames_is_refused(self):
        for text in ["", "x", "1-3", "3..1", "1,,2", "1.5"]:
            with self.assertRaises(Refused, msg=text):
                frames(text, 1, 10)


class CommandLine(unittest.TestCase):
    def test_words_keep_their_order_and_take_their_values(self):
        found = steps("-b -noaudio shot.blend -o //out_#### --log-level 2 -s 5 -a -P x.py -f 1 -- -o not-ours".split())
        self.assertEqual(found[0], (Blender.open, "shot.blend"))
        self.assertEqual(found[1], (Blender.output, "//out_####"))
        self.assertEqual(found[2][1], "5")
        self.assertEqual(found[3:], [(Blender.animation,), (Blender.run_file, "x.py"), (Blender.still, "1")])

    def test_what_is_not_known_is_refused_before_anything_is_done(self):
        for line in ["-b shot.blend --bogus -f 1", "-b shot.blend -f", "--cycles-device CUDA"]:
            with self.assertRaises(Refused, msg=line):
                steps(line.split())


if __name__ == "__main__":
    unittest.main()
