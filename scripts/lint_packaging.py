#!/usr/bin/env python3
"""What no general linter knows of the files in packaging/: that they type what the program understands, that a farm in
containers shows nothing to other machines, and that exactly the nodes that render may build a sandbox."""

import re
import sys
from pathlib import Path

from ruamel.yaml import YAML

# What bubblewrap needs in a container (docs/guide/packaging.md).
SANDBOX_OPTIONS = {"seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"}
# Where commands of the program stand in prose.
GUIDES = ["docs/guide/packaging.md"]


def known(root):
    """Commands and options that can be typed, read from the program's source."""
    source = [path.read_text() for path in [root / "crates/cli/src/args.rs", *sorted((root / "crates/cli/src/args").glob("*.rs"))]]
    text = "\n".join(source)
    options = {"help", "version"}
    for attributes, field in re.findall(r"#\[arg\((.*?)\)\]\n(?:\s*#\[.*\]\n)*\s*pub (\w+):", text):
        named = re.search(r'\blong = "([^"]+)"', attributes)
        if named:
            options.add(named[1])
        elif re.search(r"\blong\b", attributes):
            options.add(field.replace("_", "-"))
    commands = set()
    for body in re.findall(r"pub enum \w*Command \{(.*?)\n\}", text, re.DOTALL):
        variants = re.findall(r"^    ([A-Z]\w*)(?=[,({ ])", body, re.MULTILINE)
        commands |= {re.sub(r"(?<!^)(?=[A-Z])", "-", variant).lower() for variant in variants}
    return commands, options


def typed_in_compose(service):
    """The program's arguments in a service, with the program's name in front."""
    parts = [*as_list(service.get("entrypoint")), *as_list(service.get("command"))]
    line = " ".join(parts)
    return [line if service.get("entrypoint") else f"rayswarm {line}"]


def typed_in_text(text):
    """Lines with the program's name in them: of a unit those that start it, of a guide those in blocks of code."""
    lines = re.findall(r"^ExecStart\w*=(.*)$|^RAYSWARM_UP=(.*)$|^# .*RAYSWARM_UP=(.*)$", text, re.MULTILINE)
    found = [start or f"rayswarm up {options or example}" for start, options, example in lines]
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        found += [line.split(" #")[0] for line in block.replace("\\\n", " ").splitlines() if re.search(r"\brayswarm ", line)]
    return found


def as_list(value):
    return value if isinstance(value, list) else [value] if value else []


def judge_line(line, where, commands, options):
    # What other programs are given stands before the program's name.
    for part in re.split(r"(?:^|\s|bin/)rayswarm (?=[a-z$-])", line)[1:]:
        part = re.split(r"[;|>&]", part)[0]
        for option in re.findall(r"(?:^|\s)--([a-z][a-z-]*)", part):
            if option not in options:
                yield f"{where}: the program has no --{option}: {line.strip()}"
        first = re.search(r"^(?:--data-dir \S+ )?([a-z][a-z-]*)", part)
        if first and first[1] not in commands:
            yield f"{where}: the program has no command {first[1]}: {line.strip()}"


def judge_compose(compose, where):
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            host = port.get("host_ip") if isinstance(port, dict) else str(port)
            if not str(host).startswith("127.0.0.1"):
                yield f"{where}: {name} publishes {port} to other machines; put 127.0.0.1: before it"
        if service.get("privileged"):
            yield f"{where}: {name} is privileged, which no node needs"
        given = SANDBOX_OPTIONS & set(service.get("security_opt", []))
        opens_scenes = "engines:/opt/rayswarm/engines:ro" in service.get("volumes", [])
        if given != (SANDBOX_OPTIONS if opens_scenes else set()):
            yield f"{where}: {name} {'lacks' if opens_scenes else 'does not need'} options for the sandbox in security_opt"
        for variable in service.get("environment") or []:
            if re.search(r"(?i)key|pass|secret|token", str(variable)):
                yield f"{where}: {name} has {variable} in its environment, which looks like a secret"


def main(root):
    commands, options = known(root)
    if "up" not in commands or "join" not in options:
        sys.exit("lint-packaging: crates/cli/src/args.rs cannot be read any more; mend scripts/lint_packaging.py")
    faults, lines = [], []
    path = "packaging/compose.yaml"
    compose = YAML(typ="safe").load((root / path).read_text())
    faults += judge_compose(compose, path)
    lines += [(line, path) for service in compose["services"].values() for line in typed_in_compose(service)]
    for path in ["packaging/systemd/rayswarm.service", *GUIDES]:
        lines += [(line, path) for line in typed_in_text((root / path).read_text())]
    for line, path in lines:
        faults += judge_line(line, path, commands, options)
    for fault in faults:
        print(f"lint-packaging: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
