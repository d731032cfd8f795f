"""What both example scenes are built with: shapes, materials, textures, lights and render settings.

Everything is made by code from seeded random numbers, so that a scene can be made again from its script alone.
Lengths are decimetres: things that stand on a table are one to four units tall.
"""
