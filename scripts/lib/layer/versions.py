"""One version: the workspace's."""

import re
import tomllib

from bitbake_text import value


def check(root, _skip):
    """Recipes and distribution carry the version of Cargo.toml, and its MSRV is the release's Rust."""
    with (root / "Cargo.toml").open("rb") as file:
        version = tomllib.load(file)["workspace"]["package"]["version"]
    distro = value(root / "meta-picam/conf/distro/picam.conf", "DISTRO_VERSION")
    if distro != version:
        yield f"DISTRO_VERSION is {distro}, the workspace's version {version}"
    for path in (root / "meta-picam/recipes-picam").glob("*/*.bb"):
        found = re.fullmatch(r".*_(.+)\.bb", path.name)
        if not found or found.group(1) != version:
            yield f"{path.name} does not carry the workspace's version {version}"
    series = value(root / "meta-picam/conf/layer.conf", "LAYERSERIES_COMPAT_picam")
    branches = set(re.findall(r"^\s+branch: (\S+)$", (root / "yocto/picam.yml").read_text(), re.MULTILINE))
    if branches - {'"2.18"'} != {series}:
        yield f"yocto/picam.yml follows {sorted(branches)}, the layer is for {series}"
