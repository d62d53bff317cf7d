"""The parts of scripts/flash that need no card: which disk is one, settings, picam.toml, the QR code."""

import math
import os
import random
import re
import struct
import tomllib
import unittest

import fixture
from flash import BadInput, Refused, cards, settings, toml_edit, wifi_code
from flash.image import read_bmap


def entry(name, kind="disk", **values):
    """A line of lsblk's tree."""
    base = {
        "kname": name,
        "path": f"/dev/{name}",
        "maj:min": "8:0",
        "type": kind,
        "size": 32 * 10**9,
        "start": None,
        "ro": False,
        "rm": False,
        "tran": None,
        "vendor": None,
        "model": "Card",
        "serial": None,
        "fstype": None,
        "label": None,
        "mountpoints": [None],
        "children": [],
    }
    return {**base, **{key: value for key, value in values.items()}}


def part(name, *points, **values):
    return entry(name, "part", mountpoints=list(points) or [None], **values)


class WhichDisk(unittest.TestCase):
    def verdict(self, disk, named=False, built_in=False):
        return cards.refusal(cards.read_disk(disk, lambda _: built_in), 1400 * cards.MIB, named)

    def test_cards_are_offered(self):
        for disk in (
            entry("sdb", rm=True, tran="usb"),
            entry(
                "sdb",
                rm=True,
                tran="usb",
                children=[part("sdb1", "/media/me/PICAM"), part("sdb2", "/run/media/me/X Y")],
            ),
            entry("mmcblk0", tran=None, children=[part("mmcblk0p1", fstype="vfat")]),
        ):
            self.assertIsNone(self.verdict(disk), disk)

    def test_everything_else_is_not(self):
        luks = part(
            "sda3", children=[entry("dm-0", "crypt", children=[entry("dm-1", "lvm", mountpoints=["/home"])])]
        )
        usb = {"rm": True, "tran": "usb"}
        for disk, reason in (
            (
                entry("sdb", children=[part("sdb1", "/boot/efi"), part("sdb2", "/")], **usb),
                "mounted on /boot/efi",
            ),
            (entry("sdb", mountpoints=["/"], **usb), "system disk"),
            (entry("sdb", children=[part("sdb1", "/media/me/X", "/")], **usb), "system disk"),
            (entry("sdb", children=[part("sdb1", "/srv")], **usb), "mounted on /srv"),
            (entry("sdb", children=[part("sdb1", "/mediathek")], **usb), "mounted on /mediathek"),
            (entry("sdb", children=[part("sdb2", "[SWAP]")], **usb), "swap"),
            (entry("sdb", children=[luks], **usb), "dm-0 (crypt)"),
            (entry("sdb", children=[part("sdb1", children=[entry("md0", "raid1")])], **usb), "md0 (raid1)"),
            (entry("sdb", children=[part("sdb1", fstype="LVM2_member")], **usb), "LVM"),
            (entry("sdb", fstype="zfs_member", **usb), "ZFS"),
            (entry("sdb", children=[part("sdb1", fstype="crypto_LUKS")], **usb), "encrypted"),
            (entry("nvme0n1", tran="nvme"), "built in"),
            (entry("sda", tran="sata"), "built in"),
            (entry("zram0"), "built in"),
            (entry("loop7", "loop"), "built in"),
            (entry("sr0", "rom", **usb), "part of sr0"),
            (entry("sdb", size=0, **usb), "no card in it"),
            (entry("sdb", ro=True, **usb), "write-protected"),
            (entry("sdb", size=2 * 10**9, **usb), "too small"),
            (entry("sdb", size=4 * 10**12, **usb), "larger than 2 TiB"),
        ):
            self.assertIn(reason, self.verdict(disk) or "offered", disk)
        self.assertIn("built in", self.verdict(entry("mmcblk0"), built_in=True))

    def test_a_hard_disk_on_usb_counts_when_it_is_named(self):
        """Its medium cannot be taken out; the same for a reader of which the kernel does not know that it can."""
        for disk in (
            entry("sdb", tran="usb", model="Backup Plus", size=2 * 10**12),
            entry("sdb", tran="usb", children=[part("sdb1", "/media/me/Backups", fstype="ntfs")]),
            entry("sdb", tran="usb", size=500 * 10**9, children=[part("sdb1", "/run/media/me/Photos")]),
        ):
            self.assertIn("--device /dev/sdb", self.verdict(disk) or "offered")
            self.assertIsNone(self.verdict(disk, named=True))
        for disk in (entry("sda", tran="sata"), entry("nvme0n1", tran="nvme")):
            self.assertIn("built in", self.verdict(disk, named=True) or "offered")

    def test_a_loop_device_counts_when_it_is_named(self):
        self.assertIsNone(self.verdict(entry("loop7", "loop"), named=True))

    def test_the_disks_of_this_computer_that_are_in_use(self):
        used = [disk for disk in cards.list_disks() if any(p.mountpoints for p in disk.parts)]
        if not used:
            fixture.skip("no disk of this computer is mounted", "tests/flash/run, not in a container")
        for disk in used:
            if any(not point.startswith("/media/") for point in disk.automounted()):
                self.assertIsNotNone(cards.refusal(disk, 0, named=True), disk)

    def test_old_footage_is_shown_as_kept(self):
        footage = part("sdb2", fstype="exfat", label="PICAM-FILM", start=1600 * 2048)
        disk = cards.read_disk(
            entry("sdb", children=[part("sdb1", fstype="vfat", start=8192), footage]), lambda _: False
        )
        lines = cards.describe(disk, 1400 * cards.MIB)
        self.assertEqual(["not overwritten" in line for line in lines], [False, False, True])


def secrets(rule):
    """Vectors of tests/vectors/secrets.tsv: text, whether it may be used, why."""
    for line in (fixture.REPO / "tests/vectors/secrets.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            of, usable, times, text, why = line.split("\t")
            plain = re.sub(
                r"\\(\\|n|t|x(..))",
                lambda match: chr(int(match[2], 16)) if match[2] else {"n": "\n", "t": "\t"}.get(match[1], "\\"),
                text,
            )
            if of == rule:
                yield plain * int(times), {"yes": True, "no": False}[usable], why


class Settings(unittest.TestCase):
    def test_secrets_are_what_they_are_for_the_camera(self):
        for rule, check in (("password", settings.check_password), ("passphrase", settings.check_passphrase)):
            vectors = list(secrets(rule))
            self.assertGreater(len(vectors), 10)
            for text, usable, why in vectors:
                with self.subTest(why, rule=rule, text=text):
                    try:
                        self.assertEqual(check(text), text)
                        taken = True
                    except BadInput as error:
                        taken = False
                        self.assertTrue(text == "" or text not in str(error), "the value is not repeated")
                    self.assertEqual(taken, usable)
        for check in (settings.check_password, settings.check_passphrase):
            with self.assertRaises(BadInput):
                check("\udcff" * 9)

    def test_bounds(self):
        for check, good, bad in (
            (
                settings.check_name,
                ["picam", "a", "car-2", "x" * 27],
                ["", "-a", "a-", "Car", "ü", "a b", "x" * 28, "a\n"],
            ),
            (
                settings.check_ssid,
                ["a", "ü" * 16, 'a;"\\', "x" * 32],
                ["", "ü" * 17, "a\n", "x" * 33, "\udcff"],
            ),
            (settings.check_country, ["DE", "us"], ["", "D", "DEU", "XX", "00", "D\n"]),
            (
                settings.check_time_zone,
                ["Etc/UTC", "Europe/Berlin"],
                ["", "/etc/passwd", "../UTC", "Europe/", "Mars/X", "Europe"],
            ),
        ):
            for value in good:
                self.assertEqual(check(value).lower(), value.lower())
            for value in bad:
                with self.assertRaises(BadInput, msg=f"{check.__name__}({value!r})") as caught:
                    check(value)
                self.assertNotIn("\n", str(caught.exception))

    def test_secrets_of_others_are_not_repeated(self):
        for check in (settings.check_passphrase, settings.check_password):
            with self.assertRaises(BadInput) as caught:
                check("hunt\x07er2")
            self.assertNotIn("er2", str(caught.exception))

    def test_made_secrets(self):
        self.assertGreaterEqual(16 * math.log2(len(set(settings.ALPHABET))), 60)
        self.assertFalse(set("0o1il") & set(settings.ALPHABET))
        made = {settings.check_passphrase(settings.make_secret(4)) for _ in range(1000)}
        self.assertEqual(len(made), 1000)
        self.assertEqual({c for secret in made for c in secret}, set(settings.ALPHABET) | {"-"})
        settings.check_password(settings.make_secret(3))
        self.assertRegex(settings.check_ssid(settings.make_ssid("x" * 27)), "^x{27}-[0-9a-f]{4}$")

    def test_country_is_guessed_from_the_language_alone(self):
        self.assertEqual(settings.guess_country({"LANG": "de_AT.UTF-8"}), "AT")
        self.assertEqual(settings.guess_country({"LANG": "en_US.UTF-8", "LC_TIME": "de_DE.UTF-8"}), "DE")
        for language in ("C.UTF-8", "POSIX", "", "eo", "de_XX"):
            self.assertIsNone(settings.guess_country({"LANG": language}))

    def test_countries_are_those_of_the_kernel(self):
        try:
            with open("/lib/firmware/regulatory.db", "rb") as file:
                database = file.read()
        except FileNotFoundError:
            fixture.skip("wireless-regdb is not installed", "apt-get install wireless-regdb")
        # man 5 regulatory.db: magic and version, then (two letters, pointer) until a pointer is 0.
        self.assertEqual(database[:8], b"RGDB\0\0\0\x14")
        known = set()
        for offset in range(8, len(database), 4):
            code, pointer = struct.unpack_from(">2sH", database, offset)
            if pointer == 0:
                break
            known.add(code.decode())
        self.assertEqual(settings.COUNTRIES, known - {"00"})


ALL = {
    ("device", "name"): "car",
    ("wifi", "ssid"): "s",
    ("wifi", "passphrase"): "p" * 8,
    ("web", "password"): "w" * 8,
    ("web", "viewer-password"): "v" * 8,
}


class PicamToml(unittest.TestCase):
    def test_the_image_s_file(self):
        before = fixture.template()
        after = toml_edit.set_values(
            before, {**ALL, ("wifi", "country"): "DE", ("device", "time-zone"): "Europe/Berlin"}
        )
        old, new = before.splitlines(), after.splitlines()
        changed = [line for line in new if line not in old]
        self.assertEqual(len(old), len(new), "lines are replaced where they stand")
        self.assertEqual(len(changed), 7, changed)
        self.assertEqual(
            [line for line in old if line.startswith("# ")],
            [line for line in new if line.startswith("# ")],
            "explanations",
        )
        self.assertEqual(toml_edit.set_values(after, ALL), after, "twice is once")

    def test_any_text_comes_through(self):
        dice = random.Random(1)
        alphabet = "ab \"\\'#=[];:,\t\x00\x01\x1f\x7f\x85\u2028ü漢🎥\r\n"
        for _ in range(500):
            value = "".join(dice.choice(alphabet) for _ in range(dice.randrange(20)))
            after = toml_edit.set_values('[wifi]\nssid = "old" # why\n', {("wifi", "ssid"): value})
            self.assertEqual(tomllib.loads(after), {"wifi": {"ssid": value}})
            self.assertTrue(after.endswith(" # why\n"))

    def test_layouts(self):
        for before, after in (
            ("", '\n\n[wifi]\nssid = "s"\n'),
            ("[web]\nx = 1\n", '[web]\nx = 1\n\n[wifi]\nssid = "s"\n'),
            ("[wifi]\n", '[wifi]\nssid = "s"\n'),
            ("[ wifi ] # radio\n", '[ wifi ] # radio\nssid = "s"\n'),
            ('[wifi]\n#ssid = "x"     # name\n', '[wifi]\nssid = "s"     # name\n'),
            ("[wifi]\nssid = 'a # b'\n", '[wifi]\nssid = "s"\n'),
            ('[wifi]\r\nssid="x"\r\n[web]\r\n', '[wifi]\r\nssid = "s"\r\n[web]\r\n'),
            (
                '[wifi]\na = 1\n#[[wifi.network]]\n#ssid = "n"\n',
                '[wifi]\nssid = "s"\na = 1\n#[[wifi.network]]\n#ssid = "n"\n',
            ),
            ('[wifi]\n[[wifi.network]]\nssid = "n"\n', '[wifi]\nssid = "s"\n[[wifi.network]]\nssid = "n"\n'),
        ):
            self.assertEqual(toml_edit.set_values(before, {("wifi", "ssid"): "s"}), after)

    def test_what_cannot_be_edited_is_left_alone(self):
        for before in (
            'wifi.mode = "hotspot"\n',
            'wifi = { mode = "hotspot" }\n',
            'x = """\n[wifi]\nssid = "x"\n"""\n',
            '[wifi]\nssid = """\nlong"""\n',
            "[wifi\n",
        ):
            with self.assertRaises(Refused, msg=before):
                toml_edit.set_values(before, {("wifi", "ssid"): "s"})


class WifiCode(unittest.TestCase):
    def test_escapes(self):
        self.assertEqual(wifi_code.content("a;b", 'c\\:,"d'), 'WIFI:T:WPA;S:a\\;b;P:c\\\\\\:\\,\\"d;;')


class BlockMap(unittest.TestCase):
    def test_damaged_ones_are_refused(self):
        whole = (
            "<bmap version='2.0'><ImageSize>8192</ImageSize><BlockSize>4096</BlockSize>"
            "<ChecksumType>sha256</ChecksumType><BlockMap><Range chksum='aa'>0-1</Range></BlockMap></bmap>"
        )
        with fixture.tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x.bmap")

            def read(text):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
                return read_bmap(path)

            self.assertEqual(read(whole)[0], 8192)
            for old, new in (
                ("</bmap>", ""),
                ("chksum", "sha1"),
                ("sha256<", "md5<"),
                ("0-1", "x"),
                ("8192", ""),
                ("0-1", "5"),
            ):
                with self.assertRaises(Refused, msg=new):
                    read(whole.replace(old, new))


if __name__ == "__main__":
    unittest.main()
