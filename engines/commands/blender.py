"""Blender's command line for commands of a job, spoken by the module `bpy`: there may be no program `blender`.

Arguments are taken in their order, as Blender does: `-b shot.blend -o //out_#### -F PNG -x 1 -f 1..10`. What a command line
without windows can do is here; what is not known is refused before anything is rendered, since a picture made with half
of the options would look like the one that was asked for.
"""

import os
import sys

# Names of `-F` that are other words in a file's own settings.
FORMATS = {"TGA": "TARGA", "RAWTGA": "TARGA_RAW", "JP2": "JPEG2000", "MPEG": "FFMPEG"}
# Options that change nothing where there is no window, no sound and no home folder, and how many values they take.
IGNORED = {
    "-noaudio": 0,
    "-setaudio": 1,
    "--factory-startup": 0,
    "--enable-event-simulate": 0,
    "-noglsl": 0,
    "--log-level": 1,
    "--log": 1,
    "--log-file": 1,
    "-p": 4,
    "--window-geometry": 4,
    "-w": 0,
    "--window-border": 0,
    "--no-window-focus": 0,
    "--disable-crash-handler": 0,
    "--disable-abort-handler": 0,
    "--offline-mode": 0,
    "--quiet": 0,
    "-q": 0,
}


class Refused(Exception):
    """Said on standard error before leaving with exit code 1."""


class Words:
    """The command line, one word after another."""

    def __init__(self, words):
        self._words = list(words)

    def __bool__(self):
        return bool(self._words)

    def next(self, option=None):
        if not self._words:
            raise Refused(f"{option} needs a value")
        return self._words.pop(0)

    def drop(self):
        self._words.clear()


def frames(text, start, end):
    """The frames of `-f`: `7`, `1,3,8..10`, `+1` from the first frame, `-1` from the last."""
    found = []
    for part in text.split(","):
        first, dots, last = part.partition("..")
        try:
            first = frame(first, start, end)
            last = frame(last, start, end) if dots else first
        except ValueError:
            raise Refused(f"{text!r} are no frames; write 7, 1,3,8..10, +1 or -1") from None
        if last < first:
            raise Refused(f"{part!r} ends before it begins")
        found.extend(range(first, last + 1))
    return found


def frame(text, start, end):
    if text.startswith("+"):
        return start + int(text[1:])
    if text.startswith("-"):
        return end - int(text[1:])
    return int(text)


def truth(option, text):
    if text not in ("0", "1"):
        raise Refused(f"{option} takes 0 or 1, not {text!r}")
    return text == "1"


class Blender:
    """What the options have brought about so far."""

    def __init__(self, bpy):
        self._bpy = bpy
        self._scripts = False
        self._exit_code = None

    def open(self, path):
        path = os.path.abspath(path)
        if not os.path.isfile(path):
            raise Refused(f"cannot read file {path}: no such file")
        self._bpy.context.preferences.filepaths.use_scripts_auto_execute = self._scripts
        try:
            self._bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=self._scripts)
        except RuntimeError as error:
            raise Refused(f"cannot read file {path}: {str(error).strip()}") from error
        # A file that is not read leaves the default cube in its place, without an error.
        if os.path.realpath(self._bpy.data.filepath) != os.path.realpath(path):
            raise Refused(f"cannot read file {path}")
        print(f"Read blend: {path!r}")

    @property
    def scene(self):
        return self._bpy.context.scene

    def choose_scene(self, name):
        if name not in self._bpy.data.scenes:
            raise Refused(f"there is no scene {name!r}; there are {', '.join(self._bpy.data.scenes.keys())}")
        self._bpy.context.window_manager.windows[0].scene = self._bpy.data.scenes[name]

    def output(self, path):
        self.scene.render.filepath = path

    def format(self, name):
        settings = self.scene.render.image_settings
        try:
            if hasattr(settings, "media_type"):
                settings.media_type = "VIDEO" if name in ("FFMPEG", "MPEG") else "IMAGE"
            settings.file_format = FORMATS.get(name, name)
        except TypeError as error:
            raise Refused(f"{name} is no format of this Blender: {error}") from error

    def engine(self, name):
        if name == "help":
            raise Refused("engines: CYCLES")
        try:
            self.scene.render.engine = name
        except TypeError as error:
            raise Refused(f"{name} is no engine of this Blender: {error}") from error

    def threads(self, text):
        count = whole("-t", text)
        render = self.scene.render
        render.threads_mode = "FIXED" if count else "AUTO"
        if count:
            render.threads = count

    def still(self, text):
        scene = self.scene
        for number in frames(text, scene.frame_start, scene.frame_end):
            self._render(number, number, 1)

    def animation(self):
        scene = self.scene
        self._render(scene.frame_start, scene.frame_end, scene.frame_step)

    def _render(self, start, end, step):
        """Renders as an animation even if it is one frame: only then is the file named by its number."""
        if not self._bpy.data.filepath:
            raise Refused("nothing is loaded that could be rendered; name a .blend file first")
        scene = self.scene
        before = scene.frame_start, scene.frame_end, scene.frame_step
        scene.frame_start, scene.frame_end, scene.frame_step = start, end, step
        try:
            finished = self._bpy.ops.render.render(animation=True, scene=scene.name)
        except RuntimeError as error:
            raise Refused(f"frames {start} to {end} were not rendered: {str(error).strip()}") from error
        finally:
            scene.frame_start, scene.frame_end, scene.frame_step = before
        if "FINISHED" not in finished:
            raise Refused(f"frames {start} to {end} were not rendered")

    def run_file(self, path):
        with open(path, encoding="utf-8") as file:
            self._run(file.read(), path)

    def run_text(self, name):
        if name not in self._bpy.data.texts:
            raise Refused(f"the file has no text {name!r}")
        self._run(self._bpy.data.texts[name].as_string(), name)

    def run_expression(self, text):
        self._run(text, "<string>")

    def exit_code(self, text):
        self._exit_code = whole("--python-exit-code", text)

    def _run(self, text, name):
        """As Blender: a script that fails is reported, and the rest goes on unless an exit code was asked for."""
        names = {"__name__": "__main__", "__file__": name, "bpy": self._bpy}
        try:
            exec(compile(text, name, "exec"), names)
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 — whatever a script raises is reported
            import traceback

            traceback.print_exc()
            if self._exit_code:
                leave(self._exit_code)

    def allow_scripts(self):
        self._scripts = True

    def forbid_scripts(self):
        self._scripts = False


def whole(option, text):
    try:
        return int(text)
    except ValueError:
        raise Refused(f"{option} takes a whole number, not {text!r}") from None


def steps(arguments):
    """The command line as (what to do, its values), all of it read before anything is done."""
    values = {
        ("-o", "--render-output"): Blender.output,
        ("-F", "--render-format"): Blender.format,
        ("-E", "--engine"): Blender.engine,
        ("-t", "--threads"): Blender.threads,
        ("-S", "--scene"): Blender.choose_scene,
        ("-f", "--render-frame"): Blender.still,
        ("-P", "--python"): Blender.run_file,
        ("--python-text",): Blender.run_text,
        ("--python-expr",): Blender.run_expression,
        ("--python-exit-code",): Blender.exit_code,
        ("-s", "--frame-start"): lambda blender, text: set_frame(blender, "frame_start", "-s", text),
        ("-e", "--frame-end"): lambda blender, text: set_frame(blender, "frame_end", "-e", text),
        ("-j", "--frame-jump"): lambda blender, text: set_frame(blender, "frame_step", "-j", text),
        ("-x", "--use-extension"): set_extension,
    }
    plain = {
        ("-a", "--render-anim"): Blender.animation,
        ("-y", "--enable-autoexec"): Blender.allow_scripts,
        ("-Y", "--disable-autoexec"): Blender.forbid_scripts,
    }
    taking = {name: action for names, action in values.items() for name in names}
    lone = {name: action for names, action in plain.items() for name in names}
    words, found = Words(arguments), []
    while words:
        word = words.next()
        if word == "--":
            words.drop()
        elif word in ("-b", "--background"):
            continue
        elif word in taking:
            found.append((taking[word], words.next(word)))
        elif word in lone:
            found.append((lone[word],))
        elif word in IGNORED:
            for _ in range(IGNORED[word]):
                words.next(word)
        elif word in ("-v", "--version"):
            return [(version,)]
        elif word.startswith("-"):
            raise Refused(f"the option {word} is not supported in a job; see the guide for those that are")
        else:
            found.append((Blender.open, word))
    return found


def version(blender):
    print(f"Blender {blender._bpy.app.version_string}")


def set_frame(blender, name, option, text):
    scene = blender.scene
    relative = text.startswith("+") and name != "frame_step"
    setattr(scene, name, frame(text, scene.frame_start, scene.frame_end) if relative else whole(option, text))


def set_extension(blender, text):
    blender.scene.render.use_file_extension = truth("-x", text)


def leave(code):
    sys.stdout.flush()
    sys.stderr.flush()
    # bpy hangs at a normal exit after a file was loaded.
    os._exit(code)


def main():
    arguments = sys.argv[1:]
    try:
        todo = steps(arguments)
        # What scripts see is what they would see in Blender.
        sys.argv = ["blender", *arguments]
        sys.stdout.reconfigure(line_buffering=True)
        blender = Blender(__import__("bpy"))
        for action, *values in todo:
            action(blender, *values)
    except Refused as refused:
        print(f"Error: {refused}", file=sys.stderr)
        leave(1)
    except SystemExit as asked:
        leave(asked.code if isinstance(asked.code, int) else int(asked.code is not None))
    print("\nBlender quit")
    leave(0)


if __name__ == "__main__":
    main()
