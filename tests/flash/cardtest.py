"""The base of tests that write cards."""

import os
import unittest

import fixture
from fixture import Card, Run, sh


class CardTest(unittest.TestCase):
    """A test that writes cards."""

    @classmethod
    def setUpClass(cls):
        fixture.need_cards()
        cls.images = fixture.images()

    def card(self, size=fixture.CARD_SIZE):
        card = Card(self.images.directory, size)
        self.enterContext(card)
        return card

    def assert_refused(self, card, reason, *arguments, **options):
        """The run says why, in one line, and the card is as before."""
        before = card.state()
        run = Run(self.images.raw, "--device", card.device, *(arguments or ("--yes",)), **options)
        self.assertIn(reason, run.err)
        self.assertNotEqual(run.status, 0)
        self.assertEqual(run.out, "")
        self.assertEqual(card.state(), before, "nothing may be written")

    def assert_spoilt(self, card, run, reason):
        self.assertEqual(run.status, 1, run.said)
        self.assertIn(reason, run.err)
        self.assertIn("the card is incomplete", run.err)
        self.assertNotIn("ready", run.out)
        sh("sync", card.device)
        self.assertEqual(card.bytes(0, 512), bytes(512), "nothing starts from a spoilt card")


def root_filesystem(card):
    """A filesystem on the third partition of a flashed card."""
    sh("partx", "--update", card.device)
    partition = f"{card.device}p3"
    sh("mkfs.ext4", "-qF", partition)
    return partition


class mounted:
    """A partition of the card, mounted somewhere; ext4, for not every kernel has vfat."""

    def __init__(self, card, point):
        self.card, self.point = card, point

    def __enter__(self):
        os.makedirs(self.point)
        sh("mount", root_filesystem(self.card), self.point)
        return self.point

    def __exit__(self, *_):
        if os.path.ismount(self.point):
            sh("umount", self.point)
        while self.point not in ("/media", str(fixture.images().directory)):
            os.rmdir(self.point)
            self.point = os.path.dirname(self.point)
