"""board/ against the recipes that install it."""

import re
import shlex

from bitbake_text import value, words

RECIPE = "meta-picam/recipes-picam/picam-board/picam-board_{version}.bb"
IMAGE = "meta-picam/recipes-core/images/picam-image.inc"
UNITS = "board/rootfs/usr/lib/systemd/system"
KINDS = {".service", ".socket", ".timer", ".mount", ".automount", ".target", ".path", ".slice", ".swap"}
# Groups of device nodes that base-passwd and udev bring along
PROVIDED_GROUPS = {"audio", "dialout", "input", "kvm", "render", "tty", "video"}
# Directories that base-files makes
PROVIDED_DIRECTORIES = {"/boot", "/home", "/media", "/mnt", "/run", "/tmp", "/var"}


def recipe(root):
    """picam-board's recipe, whatever its version."""
    found = list(root.glob(RECIPE.format(version="*")))
    if len(found) != 1:
        raise FileNotFoundError(f"one picam-board recipe expected, found {found}")
    return found[0]


def installed_units(root):
    """Unit files of board/, by name."""
    return {
        path.name: path
        for path in (root / UNITS).iterdir()
        if path.is_file() and not path.is_symlink() and path.suffix in KINDS
    }


def units(root, _skip):
    """SYSTEMD_SERVICE names exactly the units that board/ has; the default target is one of them."""
    listed = words(recipe(root), "SYSTEMD_SERVICE:${PN}")
    have = installed_units(root)
    for name in sorted(set(listed) - set(have)):
        yield f"SYSTEMD_SERVICE lists {name}, but {UNITS}/{name} does not exist"
    for name in sorted(set(have) - set(listed)):
        yield f"{UNITS}/{name} is not in SYSTEMD_SERVICE of {recipe(root).name}"
    if len(listed) != len(set(listed)):
        yield "SYSTEMD_SERVICE lists a unit twice"
    target = value(root / IMAGE, "SYSTEMD_DEFAULT_TARGET")
    if target not in have:
        yield f"SYSTEMD_DEFAULT_TARGET of the image is {target!r}, which is no unit of board/"
    link = root / "board/rootfs/etc/systemd/system/default.target"
    if link.is_symlink() and link.readlink().name != target:
        yield f"default.target links to {link.readlink().name}, the image sets {target}"
    for name, path in sorted(have.items()):
        for wanted in re.findall(r"^(?:Wants|Requires|BindsTo)=(.*)$", path.read_text(), re.MULTILINE):
            for unit in wanted.split():
                if re.match(r"(picam|boot|footage|state|var)\b", unit) and unit not in have:
                    yield f"{name} asks for {unit}, which board/ does not have"


def files(root, _skip):
    """Every file and link of board/rootfs is installed, and every mask is one."""
    tree = root / "board/rootfs"
    sources = words(recipe(root), "SRC_URI")
    sources = [root / source.removeprefix("file://") for source in sources if "board/rootfs" in source]
    masks = set(words(recipe(root), "MASKED_UNITS"))
    for source in sources:
        if not source.exists():
            yield f"SRC_URI names {source.relative_to(root)}, which does not exist"
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(root)
        fetched = any(path == source or source in path.parents for source in sources)
        if path.is_symlink():
            target = str(path.readlink())
            if path == tree / "etc/systemd/system/default.target":
                continue
            if path.parent == tree / "etc/systemd/system" and target == "/dev/null":
                if path.name not in masks:
                    yield f"{name} masks a unit; add it to MASKED_UNITS of {recipe(root).name}"
                masks.discard(path.name)
            elif not fetched or target.startswith("/") or not path.exists():
                yield f"{name} links to {target}: bitbake follows links, so this one must lead to a file of the tree"
        elif path.is_file() and not fetched:
            yield f"{name} is in no SRC_URI of {recipe(root).name}"
    for name in sorted(masks):
        yield f"MASKED_UNITS has {name}, which board/ does not mask"
    for folder in ("board/boot", "firmware", "tests"):
        for path in (root / folder).rglob("*"):
            if path.is_symlink():
                yield f"{path.relative_to(root)} is a link, which bitbake would follow"


def users(root, _skip):
    """sysusers.d and the recipe make the same users and groups."""
    wanted_groups, wanted_users, members = {}, {}, set()
    for path in sorted((root / "board/rootfs/usr/lib/sysusers.d").glob("*.conf")):
        for line in path.read_text().splitlines():
            fields = shlex.split(line, comments=True)
            if not fields:
                continue
            kind, name, number = fields[0], fields[1], fields[2] if len(fields) > 2 else "-"
            if kind == "g":
                wanted_groups[name] = number
            elif kind.startswith("u"):
                uid, _, group = number.partition(":")
                wanted_users[name] = (uid, group or name)
                wanted_groups.setdefault(group or name, uid)
            elif kind == "m":
                members.add((name, number))
    have_groups, have_users, have_members = {}, {}, set()
    for entry in value(recipe(root), "GROUPADD_PARAM:${PN}").split(";"):
        fields = entry.split()
        have_groups[fields[-1]] = option(fields, "--gid")
    for entry in value(recipe(root), "USERADD_PARAM:${PN}").split(";"):
        fields = entry.split()
        have_users[fields[-1]] = (option(fields, "--uid"), option(fields, "--gid"))
        extra = option(fields, "--groups")
        have_members |= {(fields[-1], group) for group in extra.split(",") if extra != "-"}
        if "--no-create-home" not in fields or "nologin" not in option(fields, "--shell"):
            yield f"user {fields[-1]} must have no home and no shell"
    for name, number in wanted_groups.items():
        if have_groups.get(name, None if name not in PROVIDED_GROUPS else number) != number:
            yield f"group {name}: sysusers.d says {number}, the recipe {have_groups.get(name, 'nothing')}"
    for name, number in wanted_users.items():
        if have_users.get(name) != number:
            yield f"user {name}: sysusers.d says {number}, the recipe {have_users.get(name, 'nothing')}"
    for name in sorted((set(have_users) - set(wanted_users)) | (set(have_groups) - set(wanted_groups))):
        yield f"{name}: only the recipe knows it, sysusers.d does not"
    if members != have_members:
        yield f"members of groups: sysusers.d says {sorted(members)}, the recipe {sorted(have_members)}"


def option(fields, name):
    """The word after an option, or "-"."""
    return fields[fields.index(name) + 1] if name in fields else "-"


def mount_points(root, _skip):
    """A read-only root has a directory for everything that is mounted."""
    made = set(re.findall(r"\$\{D\}(/\S+)", recipe(root).read_text()))
    for name, path in installed_units(root).items():
        for where in re.findall(r"^Where=(.*)$", path.read_text(), re.MULTILINE):
            if where not in made | PROVIDED_DIRECTORIES:
                yield f"{name} mounts on {where}, which the recipe does not make"


def boot_files(root, _skip):
    """What the firmware reads has the form it can read, and names the root of the card's layout."""
    folder = root / "board/boot"
    for path in folder.iterdir():
        if not path.is_file():
            yield f"{path.name} is no plain file; picam-boot installs only those"
    for number, line in enumerate((folder / "config.txt").read_text().splitlines(), 1):
        if len(line) > 80:
            yield f"config.txt:{number} is longer than 80 characters; the firmware cuts lines"
    cmdline = (folder / "cmdline.txt").read_text()
    if cmdline.count("\n") != 1 or not cmdline.endswith("\n"):
        yield "cmdline.txt must be one line: the firmware passes on the first only"
    for wanted in ("root=/dev/mmcblk0p3", "rootfstype=squashfs", "ro", "rootwait"):
        if wanted not in cmdline.split():
            yield f"cmdline.txt lacks {wanted}"
