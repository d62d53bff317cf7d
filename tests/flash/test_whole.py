"""scripts/flash --verify-all: does a card hold as much as it says?"""

import json
import subprocess
import sys

import fixture
from cardtest import CardTest
from fixture import MIB, Run
from flash import Refused, cards, whole

SEED = bytes(range(16))
# What a forged card does to what was written to it, between the writing and the reading.
FORGED_JOB = """
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from flash import job, whole
file, real = sys.argv[2], int(sys.argv[3])
filled = whole.fill
def fill(device, seed):
    size = filled(device, seed)
    os.truncate(file, real)
    os.truncate(file, size)
    return size
whole.fill = fill
sys.exit(job.main())
"""


class Whole(CardTest):
    def refused(self, card, size):
        good, bad = whole.read_back(card.device, size, SEED)
        self.assertIsNotNone(bad)
        return good, bad

    def spoil(self, card, start, data):
        with open(card.file, "r+b") as file:
            file.seek(start)
            file.write(data)

    def test_an_honest_card(self):
        # The last piece is a short one.
        size = 21 * MIB
        card = self.card(size)
        self.assertEqual(whole.fill(card.device, SEED), size)
        self.assertEqual(whole.read_back(card.device, size, SEED), (size, None))
        # What an earlier test left is not taken for this one's.
        self.assertEqual(whole.read_back(card.device, size, bytes(16))[0], 0)

    def test_a_card_that_drops_what_is_beyond_its_end(self):
        card = self.card(32 * MIB)
        whole.fill(card.device, SEED)
        self.spoil(card, 20 * MIB, bytes(12 * MIB))
        self.assertEqual(self.refused(card, 32 * MIB), (20 * MIB, 20 * MIB))

    def test_a_card_whose_end_lands_on_its_beginning(self):
        card = self.card(32 * MIB)
        whole.fill(card.device, SEED)
        with open(card.file, "rb") as file:
            file.seek(20 * MIB)
            end = file.read()
        self.spoil(card, 0, end)
        # Beyond its end it gives the beginning again.
        good, bad = self.refused(card, 32 * MIB)
        self.assertEqual((good, bad), (20 * MIB, 0))

    def test_a_worn_block(self):
        card = self.card(8 * MIB)
        whole.fill(card.device, SEED)
        self.spoil(card, 5 * MIB + 4096 + 17, b"\0")
        self.assertEqual(self.refused(card, 8 * MIB), (8 * MIB - 4096, 5 * MIB + 4096))

    def test_a_forged_card_is_refused_before_anything_else_is_written(self):
        card = self.card(cards.SMALLEST_CARD)
        real = 1024 * MIB
        job = {
            "image": str(self.images.raw),
            "device": card.device,
            "identity": cards.find(cards.list_disks(), card.device).identity(),
            "verify": True,
            "verify_all": True,
            "settings": [],
        }
        lib = str(fixture.REPO / "scripts" / "lib")
        command = [sys.executable, "-c", FORGED_JOB, lib, str(card.file), str(real)]
        done = subprocess.run(command, input=json.dumps(job).encode(), capture_output=True, check=False)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, 1, said)
        self.assertIn("of 2.2 GB, 1.1 GB are good", said)
        self.assertIn(f"at byte {real} is lost", said)
        self.assertIn("the card is incomplete", said)
        self.assertEqual(card.bytes(0, 512), bytes(512), "nothing starts from a spoilt card")

    def test_it_cannot_be_asked_for_together_with_its_opposite(self):
        run = Run(self.images.raw, "--verify-all", "--no-verify")
        self.assertEqual(run.status, 2)
        self.assertIn("not allowed with", run.err)

    def test_refusal_is_raised(self):
        card = self.card(8 * MIB)
        whole.test(card.device)
        original = whole.read_back
        self.addCleanup(setattr, whole, "read_back", original)

        def read_back(device, size, seed):
            self.spoil(card, 0, bytes(4096))
            return original(device, size, seed)

        whole.read_back = read_back
        with self.assertRaises(Refused):
            whole.test(card.device)
