"""scripts/flash onto cards that are loop devices: what is on them afterwards."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import fixture
from cardtest import CardTest, mounted
from fixture import MIB, Card, Run, sh
from phone import draw, read_wifi, scan

# What people write, and what breaks naive quoting. SSID, passphrase, page password.
NASTY = [
    ("Übüs Auto 🎥", "correct horse battery", "pässwört mit ü"),
    ('a"b\\c;d,e:f', "\\\";,:'#=$`!", '"]\n[web]'.replace("\n", "\\n")),
    (" # no comment", " leading and trailing ", "'''''''''"),
    ("x" * 32, "~" * 63, "漢字漢字漢字漢字"),
    ("S:T;P:WPA;;", "$(reboot)`id`", "%s%n\\u0041 #"),
]


class Written(CardTest):
    def assert_holds_image(self, card, settings):
        """Every mapped byte outside of the FAT partition; of that, every file."""
        raw = self.images.raw.read_bytes()
        bmap = self.images.directory / "picam.wic.bmap"
        ranges = re.findall(r"> *(\d+)(?:-(\d+))? *</Range>", bmap.read_text())
        self.assertGreaterEqual(len(ranges), 3)
        for first, last in ranges:
            start, end = int(first) * 4096, (int(last or first) + 1) * 4096
            if not fixture.P1_START <= start < fixture.P1_START + fixture.P1_SIZE:
                self.assertEqual(card.bytes(start, end - start), raw[start:end], f"bytes {start} to {end}")
        self.assertEqual(card.boot_file("config.txt"), self.images.files["config.txt"])
        found = tomllib.loads(card.boot_file("picam.toml").decode())
        wanted = tomllib.loads(self.images.files["picam.toml"].decode())
        for (section, key), value in settings.items():
            wanted.setdefault(section, {})[key] = value
        self.assertEqual(found, wanted)
        sh("fsck.vfat", "-n", self.boot_partition(card))

    def boot_partition(self, card):
        path = self.images.directory / "p1"
        path.write_bytes(card.bytes(fixture.P1_START, fixture.P1_SIZE))
        return path

    def test_every_form_of_image(self):
        for image in sorted(self.images.directory.glob("picam.wic*")) + sorted(self.images.bare.iterdir()):
            if image.suffix == ".bmap":
                continue
            with (
                self.subTest(image.name, mapped=image.parent == self.images.directory),
                Card(self.images.directory) as card,
            ):
                hole, beyond = 40 * MIB, 1600 * MIB
                card.put(hole, b"old" * 100)
                card.put(beyond, b"footage")
                run = Run(
                    image,
                    "--device",
                    card.device,
                    "--yes",
                    "--name",
                    "car",
                    "--ssid",
                    "s",
                    "--passphrase",
                    "p" * 8,
                    "--password",
                    "w" * 8,
                    "--country",
                    "de",
                    "--time-zone",
                    "Europe/Berlin",
                )
                self.assertEqual(run.status, 0, run.said)
                self.assert_holds_image(
                    card,
                    {
                        ("device", "name"): "car",
                        ("device", "time-zone"): "Europe/Berlin",
                        ("wifi", "country"): "DE",
                        ("wifi", "ssid"): "s",
                        ("wifi", "passphrase"): "p" * 8,
                        ("web", "password"): "w" * 8,
                    },
                )
                by_map = image.parent == self.images.directory
                self.assertEqual(
                    card.bytes(hole, 300) == b"old" * 100, by_map, "a block map's holes are not written"
                )
                self.assertEqual(card.bytes(beyond, 7), b"footage", "old footage stays")
                self.assertEqual("bmaptool" in run.err, by_map)
                self.assertIn("reading back", run.err)

    def test_without_bmaptool_the_map_still_verifies(self):
        with tempfile.TemporaryDirectory() as tools:
            for name in fixture.TOOLS + ["gzip"]:
                if name != "bmaptool":
                    os.symlink(shutil.which(name), os.path.join(tools, name))
            card = self.card()
            run = Run(self.images.raw.with_suffix(".wic.xz"), "--device", card.device, "--yes", PATH=tools)
        self.assertEqual(run.status, 0, run.said)
        self.assertIn("bmaptool is missing", run.err)
        self.assertEqual(
            card.bytes(fixture.ROOT_START, 5 * MIB),
            self.images.raw.read_bytes()[fixture.ROOT_START :][: 5 * MIB],
        )

    def test_nasty_values_reach_card_and_phone(self):
        picam = self.picam()
        for ssid, passphrase, password in NASTY:
            with self.subTest(ssid), Card(self.images.directory) as card:
                code, terminal = self.images.directory / "code.png", self.images.directory / "terminal.pbm"
                values = ("--ssid", ssid, "--passphrase", passphrase, "--password", password)
                options = ("--yes", "--time-zone", "Asia/Tokyo", "--qr", code)
                run = Run(self.images.raw, "--device", card.device, *options, *values)
                self.assertEqual(run.status, 0, run.said)
                wanted = {
                    ("device", "name"): "picam",
                    ("device", "time-zone"): "Asia/Tokyo",
                    ("wifi", "ssid"): ssid,
                    ("wifi", "passphrase"): passphrase,
                    ("web", "password"): password,
                }
                self.assert_holds_image(card, wanted)
                for shown in (ssid, passphrase, password, "http://picam.local/"):
                    self.assertIn(shown, run.out)
                phone = {"T": "WPA", "S": ssid, "P": passphrase}
                self.assertEqual(read_wifi(scan(code)), phone)
                self.assertEqual(read_wifi(scan(draw(run.out, terminal))), phone)
                self.assertEqual(code.stat().st_mode & 0o777, 0o600)
                if picam:
                    config = self.images.directory / "picam.toml"
                    config.write_bytes(card.boot_file("picam.toml"))
                    self.assert_picam_takes(picam, config)

    def picam(self):
        """The program itself, if it has been built."""
        target = os.environ.get("CARGO_TARGET_DIR", fixture.REPO / "target")
        found = [
            path for path in (Path(target) / kind / "picam" for kind in ("debug", "release")) if path.exists()
        ]
        if not found:
            fixture.say_skipped(
                "picam's own check of the flashed picam.toml: picam is not built",
                "cargo build -p picam && tests/flash/run",
            )
        return max(found, key=lambda path: path.stat().st_mtime, default=None)

    def assert_picam_takes(self, picam, config):
        done = subprocess.run([picam, "config", "check", config], capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        for key in ("ssid", "passphrase", "password", "name", "time-zone", "country"):
            self.assertNotRegex(said, rf"(wifi|web|device)\.{key}\b(?!-)")

    def test_a_sheet_of_text(self):
        sheet = self.images.directory / "sheet.txt"
        card = self.card()
        run = Run(self.images.raw, "--device", card.device, "--yes", "--qr", sheet)
        self.assertEqual(run.status, 0, run.said)
        made = tomllib.loads(card.boot_file("picam.toml").decode())
        self.assertRegex(made["wifi"]["ssid"], "^picam-[0-9a-f]{4}$")
        self.assertRegex(made["wifi"]["passphrase"], "^[a-z2-9]{4}(-[a-z2-9]{4}){3}$")
        text = sheet.read_text(encoding="utf-8")
        for value in (made["wifi"]["ssid"], made["wifi"]["passphrase"], made["web"]["password"]):
            self.assertIn(value, text)
            self.assertIn(value, run.out)
        self.assertIn("no country", run.err)
        self.assertNotIn("country", made["wifi"])

    def test_automounted_partitions_are_let_go(self):
        card = self.card()
        self.assertEqual(Run(self.images.raw, "--device", card.device, "--yes").status, 0)
        with mounted(card, f"/media/picam flash {os.getpid()}/PICAM") as point:
            run = Run(self.images.raw, "--device", card.device, "--yes", "--name", "again")
            self.assertEqual(run.status, 0, run.said)
            self.assertFalse(os.path.ismount(point))
        self.assertIn(b'name = "again"', card.boot_file("picam.toml"))

    def test_the_card_s_name_is_typed_back(self):
        card = self.card()
        run = Run(self.images.raw, "--device", card.device, "--country", "AT", answer=f"{card.name}\n")
        self.assertEqual(run.status, 0, run.said)
        self.assertIn(card.name, run.err)
        self.assertIn("4.3 GB", run.err)

    def test_the_country_is_proposed_and_asked_for(self):
        for answer, country in (("", "AT"), ("ch", "CH"), ("none", None)):
            card = self.card()
            run = Run(
                self.images.raw,
                "--device",
                card.device,
                answer=f"{answer}\n{card.name}\n",
                LC_ALL="de_AT.UTF-8",
            )
            self.assertEqual(run.status, 0, run.said)
            self.assertIn("[AT]", run.err)
            self.assertEqual(
                tomllib.loads(card.boot_file("picam.toml").decode())["wifi"].get("country"), country
            )


if __name__ == "__main__":
    unittest.main()
