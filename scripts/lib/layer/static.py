"""What can be said of the Yocto layer without bitbake, in a second or two.

    static.py [CHECK...]      all of them without a name

Prints a line for each check; exit 1 if one of them failed. A bitbake dry run passes over most of
what is looked at here: it never runs a task, so no file is compared with what a recipe says of it.
Started by scripts/check-layer.
"""

import os
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import board  # noqa: E402
import card  # noqa: E402
import kas_files  # noqa: E402
import kernel  # noqa: E402
import licences  # noqa: E402
import programs  # noqa: E402
import versions  # noqa: E402

CHECKS = {
    "units": board.units,
    "files": board.files,
    "users": board.users,
    "mount points": board.mount_points,
    "boot files": board.boot_files,
    "programs": programs.check,
    "card layout": card.check_wks,
    "kernel": kernel.check,
    "licences": licences.check,
    "versions": versions.check,
    "kas files": kas_files.check,
}


def skip(reason, command):
    """Says what was not looked at, here and in the list that scripts/test prints at its end."""
    line = f"SKIPPED: {reason}; run: {command}"
    print(line)
    if os.environ.get("PICAM_SKIPS"):
        with open(os.environ["PICAM_SKIPS"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


def main(names):
    """Run the checks."""
    root = pathlib.Path(__file__).resolve().parents[3]
    failed = False
    for name in names or CHECKS:
        try:
            problems = list(CHECKS[name](root, skip))
        except Exception:  # a check that breaks has found something, too
            problems = [traceback.format_exc()]
        print(f"{'FAILED' if problems else 'ok'}: {name}")
        for problem in problems:
            print(f"  {problem}")
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
