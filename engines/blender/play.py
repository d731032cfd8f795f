"""Brings a scene to a frame: by a jump, or by playing every frame up to it where simulations need that."""


class Player:
    """Remembers which frame this session jumped to, or which it has played since it loaded the file."""

    def __init__(self, scene):
        self._scene = scene
        self._played = self._jumped = None

    def go(self, frame, play_from, tell):
        """Sets `frame`. With `play_from`, every frame since it (or since the last one played) is set in order.
        `tell(note)` is called per frame played."""
        if play_from is None or frame < play_from:
            # Setting a frame evaluates everything that moves; the next tile of the same frame needs no more of that.
            if self._jumped != frame:
                self._scene.frame_set(frame)
            self._jumped, self._played = frame, None
            return
        self._jumped = None
        if self._played is None or not play_from <= self._played <= frame:
            self._scene.frame_set(play_from)
            self._played = play_from
        while self._played < frame:
            self._played += 1
            tell(f"playing frame {self._played}")
            self._scene.frame_set(self._played)
