"""yocto/*.yml: one file a board, pinned, and readable by the real kas."""

import pathlib
import re
import shutil
import subprocess

FOLDER = "yocto"
COMMON = "scripts/lib/layer/common.sh"


def check(root, skip):
    """Boards of scripts/build-image have a file each; every repository is pinned; kas accepts all."""
    boards = {path.stem for path in (root / FOLDER).glob("*.yml")} - {"picam", "picam.lock"}
    script = (root / "scripts/build-image").read_text()
    listed = set(re.findall(r"^ {4}[\w |-]+\) machine=([\w-]+) ;;", script, re.MULTILINE))
    if boards != listed:
        yield f"yocto/ has {sorted(boards)}, scripts/build-image knows {sorted(listed)}"
    checked = re.search(r"^boards\(\) \{\n *printf '%s\\n' (.*)$", (root / COMMON).read_text(), re.MULTILINE)
    if not checked or set(checked.group(1).split()) != boards:
        yield f"yocto/ has {sorted(boards)}, {COMMON} checks others"
    for board in sorted(boards):
        machine = re.findall(r"^machine: (\S+)$", (root / FOLDER / f"{board}.yml").read_text(), re.MULTILINE)
        if machine != [board]:
            yield f"{board}.yml is for machine {machine}"
    repositories = pinned_by(root / FOLDER / "picam.yml", r"^  ([\w-]+):\n    url: ")
    pins = pinned_by(root / FOLDER / "picam.lock.yml", r"^    ([\w-]+):\n      commit: [0-9a-f]{40}$")
    if repositories != pins:
        yield f"picam.yml fetches {sorted(repositories)}, picam.lock.yml pins {sorted(pins)}"
    told = (root / "docs/image.md").read_text()
    for commit in pinned_by(root / FOLDER / "picam.lock.yml", r"^      commit: ([0-9a-f]{40})$"):
        if commit[:12] not in told:
            yield f"docs/image.md does not name the pinned revision {commit[:12]}"
    yield from schema(root, sorted(boards), skip)


def pinned_by(path, pattern):
    """What a pattern finds in a file of ours."""
    return set(re.findall(pattern, path.read_text(), re.MULTILINE))


def schema(root, boards, skip):
    """The installed kas checks the files against its schema and merges them."""
    kas = shutil.which("kas")
    if not kas:
        skip("kas is not installed: yocto/*.yml was not checked by it", "scripts/setup test")
        return
    python = pathlib.Path(kas).read_text().splitlines()[0].removeprefix("#!").strip()
    program = (
        "import json, sys, yaml, jsonschema, kas.configschema\n"
        "for name in sys.argv[1:]:\n"
        "    jsonschema.validate(yaml.safe_load(open(name)), kas.configschema.CONFIGSCHEMA)\n"
    )
    files = [str(root / FOLDER / f"{name}.yml") for name in [*boards, "picam", "picam.lock"]]
    run = subprocess.run([python, "-c", program, *files], capture_output=True, text=True, check=False)
    if run.returncode:
        yield "kas: " + run.stderr.strip().splitlines()[-1]
