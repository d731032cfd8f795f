# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of the add-on that knows no Blender: a client of a Rayswarm node's HTTP API, under plain Python.

Nothing here may import `bpy`: it runs in worker threads, where Blender's data must not be touched.

| module | holds |
|---|---|
| `problem` | what can go wrong, each with what to do next |
| `connection` | one call to the node |
| `upload` | an archive in chunks, of which only those are sent that the node lacks |
| `events` | a job as it changes, over lost lines |
| `jobs` | the calls about jobs |
| `pack`, `archive` | a scene and the files it reads, as one archive |
| `run` | all of it in order, in a thread |
| `frames`, `words` | lists of frames; money and times as people read them |
"""
