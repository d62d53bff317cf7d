"""What scripts/flash does not do to a card, and does not tell others."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import fixture
from cardtest import CardTest, mounted, root_filesystem
from fixture import MIB, Run, tool
from flash import cards


class Refused(CardTest):
    def test_a_partition_in_use(self):
        card = self.card()
        self.assertEqual(Run(self.images.raw, "--device", card.device, "--yes").status, 0)
        with mounted(card, str(self.images.directory / "srv")) as point:
            self.assert_refused(card, f"mounted on {point}")

    def test_a_partition_in_use_where_lsblk_does_not_see_it(self):
        card = self.card()
        self.assertEqual(Run(self.images.raw, "--device", card.device, "--yes").status, 0)
        script = f"mount -o ro {root_filesystem(card)} /mnt && echo mounted && read -r _"
        command = ["unshare", "--mount", "sh", "-c", script]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as elsewhere:
            self.assertEqual(elsewhere.stdout.readline(), b"mounted\n")
            self.assert_refused(card, "is in use")
            elsewhere.communicate(b"\n")

    def test_what_lsblk_says_of_system_disks(self):
        card = self.card()
        for change, reason in (
            ('.mountpoints = ["/"]', "system disk"),
            ('.mountpoints = ["[SWAP]"]', "swap"),
            ('.fstype = "LVM2_member"', "LVM"),
            ('.children = [. + {type: "crypt", kname: "dm-0", children: []}]', "dm-0 (crypt)"),
            (".ro = true", "write-protected"),
        ):
            edit = f'(.blockdevices[] | select(.path == "{card.device}")) |= ({change})'
            script = f"#!/bin/sh\n{shutil.which('lsblk')} \"$@\" | jq '{edit}'\n"
            with self.subTest(reason), tool("lsblk", script) as tools:
                self.assert_refused(card, reason, tools=tools)

    def test_a_hard_disk_on_usb_is_not_listed(self):
        """As lsblk shows one: on USB, and nothing that could be taken out of it."""
        card = self.card()
        others = "select(.path == $path) | .type = \"disk\" | .tran = \"usb\""
        for removable, listed in (("false", False), ("true", True)):
            edit = f".blockdevices |= [.[] | {others} | .rm = {removable} | .model = \"Backup\"]"
            script = f"#!/bin/sh\n{shutil.which('lsblk')} \"$@\" | jq --arg path {card.device} '{edit}'\n"
            with self.subTest(removable), tool("lsblk", script) as tools:
                before = card.state()
                run = Run(self.images.raw, "--country", "DE", answer="no\n", tools=tools)
                self.assertEqual((run.status, run.out, card.state()), (1, "", before), run.said)
                self.assertEqual(f"  {card.name}" in run.err, listed, run.err)
                if not listed:
                    self.assertIn(f"--device {card.device}", run.err)

    def test_a_small_card(self):
        self.assert_refused(self.card(2000 * MIB), "too small: 2.1 GB, and 2.2 GB are needed")

    def test_an_image_larger_than_the_card(self):
        big = self.images.directory / "big.wic"
        shutil.copyfile(self.images.raw, big)
        os.truncate(big, 5000 * MIB)
        card = self.card()
        run = Run(big, "--device", card.device, "--yes")
        big.unlink()
        self.assertEqual((run.status, card.state()), (1, {}), run.said)
        self.assertIn("too small", run.err)

    def test_wrong_answers(self):
        card = self.card()
        card.put(0, b"precious" * 100)
        for answer in (
            "",
            "\n",
            "yes\n",
            "y\n",
            "sda\n",
            f"{card.name}p1\n",
            card.name[:-1] + "\n",
            f"not {card.name}\n",
        ):
            with self.subTest(answer):
                self.assert_refused(card, "nothing was written", "--country", "DE", answer=answer)

    def test_bad_input(self):
        card = self.card()
        for arguments, reason in (
            (("--passphrase", "short"), "--passphrase has 5 characters; WPA2 wants 8 to 63"),
            (("--passphrase", "pässwörter"), "letters without accents"),
            (("--country", "Germany"), "two letters"),
            (("--password", "1234567"), "at least 8"),
            (("--name", "My Car"), "--name 'My Car'"),
            (("--ssid", "x" * 33), "33 bytes"),
            (("--time-zone", "Berlin"), "Europe/Berlin"),
            (("--qr", "code.jpg"), ".png or .txt"),
            (("--frobnicate",), "--frobnicate"),
            (("--device", f"{card.device}p9"), "there is no"),
            (("--device", "/dev/null"), "is no disk"),
        ):
            run = Run(self.images.raw, "--device", card.device, "--yes", *arguments)
            self.assertEqual((run.status, run.out), (2, ""), arguments)
            self.assertEqual(run.err.count("\n"), 1, run.err)
            self.assertIn(reason, run.err)
        self.assertEqual(Run(self.images.raw, "--yes").status, 2, "--yes without --device")
        self.assertEqual(card.state(), {})

    def test_files_that_are_no_image(self):
        card = self.card()
        files = self.images.directory / "wrong"
        files.mkdir()
        (files / "zeros.wic").write_bytes(bytes(MIB))
        (files / "text.wic.xz").write_text("no xz", encoding="ascii")
        (files / "text.wic.zst").write_text("no zstd", encoding="ascii")
        (files / "picam.zip").write_bytes(self.images.raw.read_bytes()[:MIB])
        (files / "mapped.wic").write_bytes(self.images.raw.read_bytes())
        (files / "mapped.wic.bmap").write_text("<bmap/>", encoding="ascii")
        for path in [*sorted(files.iterdir()), files / "missing.wic", files]:
            if path.suffix != ".bmap":
                run = Run(path, "--device", card.device, "--yes")
                self.assertIn(run.status, (1, 2), path)
                self.assertEqual(run.err.count("\n"), 1, run.err)
        self.assertEqual(card.state(), {})

    def test_another_card_than_the_one_chosen(self):
        card = self.card()
        identity = cards.find(cards.list_disks(), card.device).identity()
        for changed in (identity[:2] + [identity[2] + 512] + identity[3:], identity[:4] + ["other"]):
            job = {
                "image": str(self.images.raw),
                "device": card.device,
                "identity": changed,
                "verify": True,
                "verify_all": False,
                "settings": [],
            }
            done = run_job(job)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"another card than the one chosen", done.stderr)
        self.assertEqual(card.state(), {})

    def test_a_card_that_another_program_works_on(self):
        card = self.card()
        with open(card.device, "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            self.assert_refused(card, "another program is working on")


def run_job(job):
    command = [sys.executable, str(fixture.REPO / "scripts/lib/flash/job.py")]
    return subprocess.run(command, input=json.dumps(job).encode(), capture_output=True, check=False)


class WithoutRoot(CardTest):
    def test_secrets_go_through_a_pipe_to_sudo(self):
        """Command lines are seen by everybody, and sudo logs them."""
        nobody = 65534
        card = self.card()
        with tempfile.TemporaryDirectory() as home:
            os.chmod(home, 0o777)
            shutil.copytree(fixture.REPO / "scripts", f"{home}/scripts")
            script = f'#!/bin/sh\necho "$@" >{home}/arguments\ncat >{home}/input\nexit 7\n'
            # Not every python3 is one that nobody may run.
            command = [
                "/usr/bin/python3",
                f"{home}/scripts/flash",
                self.images.raw,
                "--device",
                card.device,
                "--yes",
            ]
            with tool("sudo", script) as tools:
                environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
                done = subprocess.run(
                    [*command, "--passphrase", "-", "--password", "-"],
                    input=b"phrase phrase\nword word\n",
                    capture_output=True,
                    check=False,
                    env=environment,
                    user=nobody,
                    group=nobody,
                    extra_groups=[],
                )
            self.assertEqual((done.returncode, done.stdout), (7, b""), done.stderr)
            arguments = Path(f"{home}/arguments").read_text(encoding="utf-8")
            job = json.loads(Path(f"{home}/input").read_text(encoding="utf-8"))
        self.assertIn("job.py", arguments)
        for value in ("phrase phrase", "word word"):
            self.assertNotIn(value, arguments)
            self.assertIn(value, [value for _, _, value in job["settings"]])
        self.assertEqual(card.state(), {})


if __name__ == "__main__":
    unittest.main()
