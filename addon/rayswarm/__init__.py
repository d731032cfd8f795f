# SPDX-License-Identifier: GPL-3.0-or-later
"""Rayswarm in Blender: send the open scene to a Rayswarm node, watch it, get the pictures.

| module | holds |
|---|---|
| `client` | all that knows no Blender: calls, uploads, the run in its thread |
| `session` | the run under way, and the timer that hears of it |
| `sending` | what is sent: which file, which frames |
| `results` | pictures in the Image Editor and the Sequencer |
| `operators`, `result_operators`, `panel`, `settings`, `preferences` | what people see |
| `chinese` | the same in Chinese |

Threads never touch `bpy`; Blender's side never waits for the network.
"""

from . import chinese, operators, panel, preferences, result_operators, session, settings

PARTS = (chinese, preferences, settings, operators, result_operators, panel, session)


def register():
    for part in PARTS:
        part.register()


def unregister():
    for part in reversed(PARTS):
        part.unregister()
