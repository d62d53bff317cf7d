"""Checksums and names of licences."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tomllib

from bitbake_text import value

RECIPES = "meta-picam/recipes-picam"
# What is in a crate under terms of its own that its manifest does not name.
CONTENTS = {"noto-sans-mono-bitmap": {"OFL-1.1"}}


def check(root, skip):
    """LIC_FILES_CHKSUM is right, and LICENSE covers what is linked in."""
    with (root / "Cargo.lock").open("rb") as file:
        locked = {package["name"]: package["version"] for package in tomllib.load(file)["package"]}
    seen = 0
    for path in sorted([*(root / RECIPES).glob("*/*.bb"), *(root / RECIPES).glob("*/*.inc")]):
        listed = value(path, "LIC_FILES_CHKSUM")
        seen += listed.count("md5=")
        for source, md5 in re.findall(r"file://(\$\{@[^}]*\}\S*|\S+?);md5=(\w+)", listed):
            crate = re.match(r"\$\{@picam_crate\('([^']+)', d\)\}/(.*)", source)
            file = from_crate(*crate.groups(), locked, skip) if crate else root / source
            if file is None:
                continue
            if not file.exists():
                yield f"{path.name}: {source} does not exist"
            elif (right := hashlib.md5(file.read_bytes()).hexdigest()) != md5:
                yield f"{path.name}: {source} has md5 {right}, the recipe says {md5}"
    if not seen:
        yield "no LIC_FILES_CHKSUM found"
    for path in [*(root / RECIPES).glob("*/*.bb"), *(root / "meta-picam/recipes-core").glob("*/*.bb")]:
        text = path.read_text()
        if not value(path, "LICENSE") and "require " not in text:
            yield f"{path.name} has no LICENSE"
    yield from linked_crates(root, skip)
    yield from patents(root, locked)


def patents(root, locked):
    """A recipe with an encoder of H.264 in it is built only by whoever accepts that, as meta-openembedded has it."""
    recipe = next((root / RECIPES).glob("picam/picam_*.bb"))
    if "openh264-sys2" in locked:
        if value(recipe, "LICENSE_FLAGS") != "commercial":
            yield f"{recipe.name} has openh264 in it and no LICENSE_FLAGS"
        if "commercial_picam" in (root / "meta-picam/conf/distro/picam.conf").read_text():
            yield "the distribution accepts the encoder for everybody; whoever builds an image shall (yocto/picam.yml)"


def from_crate(name, inner, locked, skip):
    """A file of a crate as cargo has unpacked it, if it has."""
    if name not in locked:
        return pathlib.Path(f"/no crate {name} in Cargo.lock")
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    for found in home.glob(f"registry/src/*/{name}-{locked[name]}"):
        return found / inner
    skip(f"crate {name} is not unpacked here: the checksum of its licence was not compared", "cargo fetch --locked")
    return None


def linked_crates(root, skip):
    """Each crate in the binary allows one of the licences that the recipe names."""
    recipe = next((root / RECIPES).glob("picam/picam_*.bb"))
    named = set(re.findall(r"[\w.-]+", value(recipe, "LICENSE")))
    run = subprocess.run(
        ["cargo", "metadata", "--locked", "--offline", "--format-version", "1",
         "--filter-platform", "aarch64-unknown-linux-gnu"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        skip("cargo has not fetched all crates: their licences were not compared", "cargo fetch --locked")
        return
    used = set()
    for crate in linked(json.loads(run.stdout)):
        expression = crate["license"] or "none stated"
        allowed = alternatives(expression)
        fitting = [choice for choice in allowed if choice <= named]
        if not fitting:
            yield f"{crate['name']} {crate['version']} is under {expression}, which LICENSE of picam does not cover"
        else:
            used |= fitting[0]
        contents = CONTENTS.get(crate["name"], set())
        if not contents <= named:
            yield f"{crate['name']} has {', '.join(sorted(contents))} in it, which LICENSE of picam does not name"
        used |= contents
    for name in sorted(named - used):
        yield f"LICENSE of picam names {name}, which no crate in it needs"


def linked(metadata):
    """Crates that end up in the binary: no build scripts, no macros, no tests."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    todo = [package["id"] for package in metadata["packages"] if package["name"] == "picam"]
    seen = set()
    while todo:
        current = todo.pop()
        macro = any("proc-macro" in target["kind"] for target in packages[current]["targets"])
        if current in seen or macro:
            continue
        seen.add(current)
        for dependency in nodes[current]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    return [packages[current] for current in sorted(seen)]


def alternatives(expression):
    """Sets of licences of which one set suffices: `A OR (B AND C)` is [{A}, {B, C}]."""
    tokens = re.findall(r"[()]|[^\s()/]+|/", expression)

    def either():
        found = both()
        while tokens and tokens[0] in ("OR", "/"):
            tokens.pop(0)
            found = found + both()
        return found

    def both():
        found = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            more = one()
            found = [left | right for left in found for right in more]
        return found

    def one():
        token = tokens.pop(0)
        if token == "(":
            found = either()
            tokens.pop(0)
            return found
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token += "-with-" + tokens.pop(0)
        return [{token}]

    return sorted(either(), key=sorted)
