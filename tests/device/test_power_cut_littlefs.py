# cpython-only
"""Power goes at every program and every erase of the board's own file system, clean and torn.

One of PHONEHOME_CUTS cuts is tried, and all of them by `make torture-power`, where that is 1.
"""

import os

import pytest

from phonehome.ports.files import Folder
from tests.device.cutting import check, check_second, images, tell
from tests.fakes.board import KEY
from tests.fakes.littleflash import Flash, LittleFiles, remembering

STRIDE = int(os.environ.get("PHONEHOME_CUTS", "11"))
SECOND_STRIDE = min(
    100 * STRIDE, 700
)  # of the first cuts so many lie between two that another follows


class Told:
    """The story, told once, and the flash that it began with."""

    def __init__(self, folder):
        self.key = str(folder / "key")
        (folder / "key").write_bytes(b"\x01" + KEY)
        blank = Flash()
        LittleFiles(blank, is_new=True)
        self.base = bytes(blank.buffer)
        self.flash = Flash()
        self.files, self.story = tell(self.flash, self.key)

    @property
    def written(self):
        """The names of all files that ever were."""
        return {path.rpartition("/")[2] for *_, files in self.files.calls for path in files}

    def cuts(self, first=0, last=1 << 30, stride=1):
        """(cut, image, is torn) of some of the changes."""
        for cut, image, is_torn in images(self.base, self.flash.changes, stride):
            if first <= cut <= last:
                yield cut, image, is_torn

    def check(self, cut, image, retained=b""):
        """What must hold after a cut."""
        return check(image, self.key, self.files.calls, self.story, cut, retained)

    def check_all(self, stride=1):
        """Check one of so many cuts; how many those were."""
        cuts = 0
        for cut, image, _ in self.cuts(stride=stride):
            self.check(cut, image)
            cuts += 1
        return cuts


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The story."""
    with remembering():
        yield Told(tmp_path_factory.mktemp("littlefs"))


def test_the_story_has_everything(told):
    """Appends, acks, refusals, merges, evictions, crashes, saves and a full disk are in it."""
    assert {"state.a", "state.b", "faults.bin", "00000001.seg", "00000002.seg"} <= told.written
    assert {"refused.bin", "crash.bin", "drops.bin"} <= told.written
    assert any(name.startswith("crash-") for name in told.written)
    assert told.files.full > 3
    assert len(told.flash.changes) > 2000
    assert sum(data is None for *_, data in told.flash.changes) > 200
    assert len(told.story.stored) > 80
    assert len(told.story.gone) > 40


def test_every_cut_leaves_what_was_stored(told):
    """Files are old or new, stored records are there or counted, ids are new, the crash is one."""
    assert told.check_all(STRIDE) > 2 * len(told.flash.changes) // STRIDE


def test_every_reset_while_a_crash_is_told(told):
    """A reset keeps the retained memory: wherever it cuts the telling, the crash comes once."""
    died = told.story.died
    for cut, image, is_torn in told.cuts(died - 20, died + 60):
        if not is_torn:
            told.check(cut, image, told.story.retained_at(cut))
        told.check(cut, image)


def test_the_boot_after_a_cut_may_be_cut(told):
    """Whatever a boot does to mend and report, a second cut in it costs nothing either."""
    seconds = 0
    for cut, image, _ in told.cuts(stride=SECOND_STRIDE):
        first = bytes(image)
        after = told.check(cut, first)
        for second, again, is_torn in images(first, after.flash.changes):
            if not is_torn:
                check_second(again, told.key, told.story, cut, after, second)
                seconds += 1
    assert seconds > 50


def replace_carelessly(folder, name, *parts):
    """As ports.files must not do it: the old file goes first."""
    folder.remove(name)
    folder.append(name, b"".join(parts))


def test_a_careless_folder_is_caught(tmp_path, monkeypatch):
    """The same cuts find what is lost when a file is removed before its successor is there."""
    monkeypatch.setattr(Folder, "replace", replace_carelessly)
    with remembering():
        told = Told(tmp_path)
        with pytest.raises(AssertionError):
            told.check_all()
