"""scripts/flash when a card, a download or its user fails it halfway."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

import fixture
from cardtest import CardTest
from fixture import MIB, Card, Run, tool


class Failing(CardTest):
    def lying_bmaptool(self):
        """Writes the card, then changes one byte of the root filesystem behind everybody's back."""
        return tool(
            "bmaptool",
            f"""#!/bin/bash
            set -e
            {shutil.which("bmaptool")} "$@"
            device=${{!#}}
            at={fixture.ROOT_START + random.randrange(5 * MIB)}
            byte=$(dd if="$device" bs=1 skip=$at count=1 status=none | od -An -tu1)
            other=$(printf '\\\\x%02x' $((byte ^ 1)))
            printf "$other" | dd of="$device" bs=1 seek=$at conv=notrunc,fsync status=none
            """,
        )

    def test_a_card_that_does_not_hold_what_was_written(self):
        card = self.card()
        with self.lying_bmaptool() as tools:
            run = Run(self.images.raw, "--device", card.device, "--yes", tools=tools)
            self.assert_spoilt(card, run, "does not hold what was written")
            run = Run(self.images.raw, "--device", card.device, "--yes", "--no-verify", tools=tools)
            self.assertEqual(run.status, 0, run.said)
            self.assertNotIn("reading back", run.err)
        wrong = zip(
            card.bytes(fixture.ROOT_START, 5 * MIB), self.images.raw.read_bytes()[fixture.ROOT_START :]
        )
        self.assertEqual(sum(a != b for a, b in wrong), 1, "the wrapper did what it is for")

    def test_settings_that_are_not_on_the_card(self):
        card = self.card()
        with tool("mcopy", "#!/bin/sh\ncat >/dev/null\n") as tools:
            run = Run(self.images.raw, "--device", card.device, "--yes", tools=tools)
        self.assert_spoilt(card, run, "does not hold the picam.toml")

    def test_a_damaged_download(self):
        for form in (".wic.xz", ".wic.zst", ".wic.gz"):
            cut = self.images.directory / f"cut{form}"
            data = self.images.raw.with_suffix(form).read_bytes()
            # xz says its size at its end, so there the middle is damaged instead.
            middle = len(data) * 3 // 4
            cut.write_bytes(
                data[:middle] + bytes(64) + data[middle + 64 :] if form == ".wic.xz" else data[:middle]
            )
            with self.subTest(form), Card(self.images.directory) as card:
                self.assert_spoilt(card, Run(cut, "--device", card.device, "--yes"), "is damaged")

    def test_an_image_of_something_else(self):
        other = self.images.directory / "other.wic"
        fixture.make_image(other, {"config.txt": b""})
        card = self.card()
        self.assert_spoilt(card, Run(other, "--device", card.device, "--yes"), "is this an image of picam?")

    def test_interrupted(self):
        card = self.card()
        script = f"""#!/bin/bash
            {shutil.which("bmaptool")} "$@" || exit
            echo "written by $$" >&2
            exec sleep 60
            """
        with tool("bmaptool", script) as tools:
            environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
            command = [sys.executable, fixture.FLASH, self.images.raw, "--device", card.device, "--yes"]
            with subprocess.Popen(
                command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
            ) as run:
                said = b""
                while b"written by" not in said:
                    said += run.stderr.readline()
                writer = int(said.split()[-1])
                start = time.monotonic()
                run.send_signal(signal.SIGINT)
                out, err = run.communicate(timeout=20)
                self.assertLess(time.monotonic() - start, 10)
        self.assertEqual((run.returncode, out), (130, b""))
        self.assertIn(b"the card is incomplete", err)
        self.assertIn(b"run scripts/flash again", err)
        self.assertNotIn(b"Traceback", err)
        self.assertFalse(os.path.exists(f"/proc/{writer}"), "bmaptool must not write on")
        self.assertEqual(card.bytes(0, 512), bytes(512))


if __name__ == "__main__":
    unittest.main()
