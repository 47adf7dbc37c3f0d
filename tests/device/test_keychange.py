"""A device changes its key: after any loss and any power cut it can talk, and has one key."""

from phonehome.core.clock import Clock
from phonehome.core.errors import LinkError
from phonehome.core.identity import Identity
from phonehome.core.keychange import load_keys, rotate
from phonehome.core.outbox import Outbox
from phonehome.core.reporter import Reporter
from phonehome.core.session import Session
from phonehome.ports.keyfiles import KeyFiles
from phonehome.ports.segments import Segments
from phonehome.ports.slots import Slots
from phonehome_wire import registry
from phonehome_wire.envelope import peek
from phonehome_wire.errors import RefusedError
from phonehome_wire.rekeying import rotated_key
from tests.device.test_reporter import Birth, fault
from tests.fakes.desk import FakeDesk
from tests.fakes.flash import FakeFlash, PowerCut

DEVICE = bytes(range(8))
KEY = bytes(range(32))
SALT = bytes(range(100, 132))
SECOND = rotated_key(KEY, DEVICE, 2, SALT)
ARGS = {0: 2, 1: SALT}
REFUSED = LinkError("refused", "HTTP 401 kid")
SILENCE = LinkError("ack", "none within 30 s", 0, True)


class Board:
    """A device with its flash and its key files; `boot` is a power cycle."""

    def __init__(self, key_file=b"\x01" + KEY) -> None:
        self.flash = FakeFlash({"key": key_file} if key_file else {})
        self.told = []
        self.now_ms = 1000
        self.boots = 0
        self.boot()

    def boot(self):
        """Start with what is on flash."""
        self.flash = FakeFlash(self.flash.files)
        self.files = KeyFiles(self.flash, "key")
        self.identity = Identity(DEVICE, b"")
        load_keys(self.identity, self.files, self.tell)
        self.boots += 1
        session = Session(Slots(self.flash, "state"), lambda size: b"inc1")
        outbox = Outbox(Segments(self.flash), session.inc)
        self.outbox = outbox
        self.reporter = Reporter(
            self.identity, session, Clock(), outbox, Birth(), lambda now_ms: None, self.execute
        )

    def execute(self, code, args):
        """Command 6 and no other."""
        assert code == registry.COMMAND_ROTATE_KEY
        return rotate(args, self.identity, self.files, self.tell)

    def tell(self, name, state, epoch):
        self.told.append((state, epoch))

    @property
    def epoch(self):
        return self.identity.kid[-1]

    def keys_on_flash(self):
        """Epochs of ACTIVE and NEXT, None where there is none."""
        return tuple(
            data[0] if data else None for data in (self.files.active(), self.files.next())
        )


class Desk:
    """A receiver that knows some epochs of one device, and answers under the one it hears."""

    def __init__(self, *epochs) -> None:
        keys = {1: KEY, 2: SECOND}
        self.ears = {epoch: FakeDesk(DEVICE, keys[epoch], epoch) for epoch in epochs}
        self.stored = {}
        self.cseq = 0

    def hear(self, message):
        """(the ear of the epoch it is signed with, the report), None when nobody knows it."""
        ear = self.ears.get(peek(message)[1][-1])
        if ear is None:
            return None
        report = ear.take(message)
        self.stored.update(ear.stored)
        return ear, report

    def command(self, ear, report, args=None):
        """Command 6 under the key that the report came with."""
        self.cseq += 1
        return ear.command(report, self.cseq, 6, args=args or ARGS)


def talk(board, desk, command=False, lose=()):
    """One report and what follows from it; True when the ack reached the board."""
    board.now_ms += 100
    message = board.reporter.compose(board.now_ms)
    if message is None or "report" in lose:
        return False
    heard = desk.hear(bytes(message))
    if heard is None:
        board.reporter.fail(False)
        board.reporter.note_failure(REFUSED)
        return False
    ear, report = heard
    if "ack" not in lose:
        board.reporter.hear(ear.ack(report), board.now_ms + 10)
    if command and "command" not in lose:
        board.reporter.hear(desk.command(ear, report), board.now_ms + 20)
    return "ack" not in lose


def settle(board, desk, rounds=12):
    """Talk as a board does until nothing waits."""
    board.reporter.add_fault(fault(), board.now_ms, False)
    for _ in range(rounds):
        talk(board, desk, command=board.epoch == 1)
        if not board.reporter.has_anything:
            return
    raise AssertionError("records still wait")


def refusal(function, *parts):
    """The reason of a RefusedError."""
    try:
        function(*parts)
    except RefusedError as error:
        return error.reason
    raise AssertionError("accepted")


def test_a_rotation_ends_with_the_new_key_on_flash():
    """Written, spoken with, acknowledged, active; the result tells the epoch."""
    board, desk = Board(), Desk(1, 2)
    talk(board, desk, command=True)
    assert (board.epoch, board.keys_on_flash()) == (2, (1, 2))
    assert talk(board, desk)
    assert (board.epoch, board.keys_on_flash()) == (2, (2, None))
    assert board.files.active() == b"\x02" + SECOND
    assert board.told == [("written", 2), ("active", 2)]
    assert board.identity.change is None
    results = desk.ears[2].records(registry.RTYPE_RESULT)
    assert [r.body[registry.RESULT_VALUE] for r in results] == [2]


def test_records_from_before_are_signed_with_the_new_key():
    """What waits in the outbox is not lost by a rotation, and not sent twice."""
    board, desk = Board(), Desk(1, 2)
    talk(board, desk, command=True)
    for _ in range(3):
        board.reporter.add_fault(fault(), 500, False)
    assert talk(board, desk)
    assert len(desk.ears[2].records(registry.RTYPE_FAULT)) == 3
    assert board.outbox.depth == 0


def test_answers_under_the_old_key_are_heard_during_the_change():
    """The ack of a report from before the command frees its records, and proves nothing."""
    board, desk = Board(), Desk(1, 2)
    message = bytes(board.reporter.compose(100))
    ear, report = desk.hear(message)
    board.reporter.hear(desk.command(ear, report), 110)
    assert board.epoch == 2
    board.reporter.hear(ear.ack(report), 120)
    assert board.keys_on_flash() == (1, 2)
    assert talk(board, desk)
    assert board.keys_on_flash() == (2, None)
    assert refusal(board.reporter.hear, ear.ack(report), 130) == "kid"


def test_three_refusals_lead_back():
    """A receiver that does not know the new key gets the old one again, and can offer anew."""
    board, desk = Board(), Desk(1)
    talk(board, desk, command=True)
    for count in range(3):
        assert board.epoch == 2, count
        talk(board, desk)
    assert (board.epoch, board.keys_on_flash()) == (1, (1, None))
    assert board.told == [("written", 2), ("returned", 1)]
    desk.ears[2] = FakeDesk(DEVICE, SECOND, 2)
    settle(board, desk)
    assert (board.epoch, board.keys_on_flash()) == (2, (2, None))


def test_only_a_refusal_is_a_refusal():
    """A network that is down or a receiver that is busy says nothing about a key."""
    board, desk = Board(), Desk(1, 2)
    talk(board, desk, command=True)
    for phase, detail in (
        ("connect", "refused"),
        ("refused", "HTTP 503 overloaded"),
        ("ack", "closed before the ack"),
    ):
        for _ in range(3):
            board.reporter.note_failure(LinkError(phase, detail))
    assert board.epoch == 2
    for _ in range(3):  # over MQTT nobody says no
        board.reporter.note_failure(SILENCE)
    assert board.epoch == 1


def test_the_same_command_again_changes_nothing():
    """Lost results bring the command twice: before, during and after the change it is answered."""
    board = Board()
    outcomes = []
    for _ in range(2):
        outcomes.append(rotate(ARGS, board.identity, board.files, board.tell))
        assert board.keys_on_flash() == (1, 2)
    written = board.flash.spent
    rotate(ARGS, board.identity, board.files, board.tell)
    assert board.flash.spent == written, "what is on flash is not written again"
    talk(board, Desk(1, 2))
    outcomes.append(rotate(ARGS, board.identity, board.files, board.tell))
    assert outcomes == [(registry.RESULT_OK, 2)] * 3
    assert board.keys_on_flash() == (2, None)


def test_another_salt_takes_the_place_of_the_first():
    """A receiver that drew anew, because nobody ever spoke under the first, is understood."""
    board = Board()
    rotate(ARGS, board.identity, board.files, board.tell)
    rotate({0: 2, 1: bytes(32)}, board.identity, board.files, board.tell)
    assert board.files.next() == b"\x02" + rotated_key(KEY, DEVICE, 2, bytes(32))


def test_wrong_arguments_are_told_and_change_nothing():
    """An epoch that does not follow, a salt of another length, anything that is no salt."""
    board = Board()
    for args in (
        {},
        {0: 3, 1: SALT},
        {0: 0, 1: SALT},
        {0: 2},
        {0: 2, 1: SALT[1:]},
        {0: "2", 1: SALT},
    ):
        done = rotate(args, board.identity, board.files, board.tell)
        assert done == (registry.RESULT_BAD_ARGS, None), args
    assert (board.epoch, board.keys_on_flash()) == (1, (1, None))
    last = Board(b"\xff" + KEY)
    done = rotate({0: 256, 1: SALT}, last.identity, last.files, last.tell)
    assert done == (registry.RESULT_BAD_ARGS, None)


def test_a_flash_that_cannot_be_written_keeps_the_old_key():
    """The command fails and says so; nothing is signed with a key that is not on flash."""
    board = Board()
    board.flash.is_read_only = True
    done = rotate(ARGS, board.identity, board.files, board.tell)
    assert done == (registry.RESULT_FAILED, None)
    assert (board.epoch, board.identity.change) == (1, None)


def test_an_ack_that_cannot_be_kept_is_tried_again():
    """While the flash refuses, the new key is used and not yet the active one."""
    board, desk = Board(), Desk(1, 2)
    talk(board, desk, command=True)
    board.flash.is_read_only = True
    board.identity.change.open(desk.ears[2].ack(desk.ears[1].reports[-1]))
    assert (board.epoch, board.keys_on_flash()) == (2, (1, 2))
    board.flash.is_read_only = False
    assert talk(board, desk)
    assert board.keys_on_flash() == (2, None)


def test_a_forged_or_reflected_answer_proves_no_key():
    """Only the receiver's word under the new key ends the change."""
    board, desk = Board(), Desk(1, 2)
    talk(board, desk, command=True)
    report = desk.ears[1].reports[-1]
    assert refusal(board.reporter.hear, desk.ears[2].ack(report, key=bytes(32)), 10) == "tag"
    mine = bytes(board.reporter.compose(2000))
    assert refusal(board.reporter.hear, mine, 2010) == "tag"
    assert board.keys_on_flash() == (1, 2)


def test_damaged_or_foreign_next_keys_are_dropped():
    """A torn NEXT, or one that does not follow the ACTIVE of today, is as good as none."""
    for following in (b"\x02", b"\x03" + KEY, b"\x01" + KEY):
        board = Board()
        board.flash.files["key.next"] = following
        board.boot()
        assert (board.epoch, board.keys_on_flash()) == (1, (1, None))


def lossy_rotations():
    """Every way to lose one or two messages of a rotation, or the power between two of them."""
    steps = ("report", "command", "ack")
    for first in steps:
        for second in ("", "report", "command", "ack"):
            for is_cut in (False, True):
                yield first, second, is_cut


def test_lost_messages_cost_nothing_at_any_step():
    """Whatever is lost, once or twice, with or without a reboot: one key, every record once."""
    for first, second, is_cut in lossy_rotations():
        board, desk = Board(), Desk(1, 2)
        for lost in (first, second):
            talk(board, desk, command=board.epoch == 1, lose=(lost,))
            board.reporter.fail(False)
            if is_cut:
                board.boot()
        settle(board, desk)
        case = (first, second, is_cut)
        assert (board.epoch, board.keys_on_flash()) == (2, (2, None)), case
        assert len(desk.stored) == len(set(desk.stored)), case
        assert not any(ear.collisions for ear in desk.ears.values()), case


def rotate_until_cut(budget):
    """A rotation in which the power goes after so many bytes and steps of writing."""
    board, desk = Board(), Desk(1, 2)
    talk(board, desk)
    board.flash.budget = board.flash.spent + budget
    try:
        talk(board, desk, command=True)
        settle(board, desk)
        cut = False
    except PowerCut:
        cut = True
    return board, desk, cut


def test_power_cuts_at_every_write_leave_a_device_that_talks():
    """After a cut at any byte of any file the next boot ends the rotation."""
    budget, cut = 0, True
    while cut:
        board, desk, cut = rotate_until_cut(budget)
        board.boot()
        settle(board, desk)
        assert (board.epoch, board.keys_on_flash()) == (2, (2, None)), budget
        assert not any(ear.collisions for ear in desk.ears.values()), budget
        budget += 1
    assert budget > 150


def test_a_device_without_a_key_believes_nobody():
    """What is signed with no key at all is not the receiver's word to one that has none."""
    board = Board(b"")
    ack = FakeDesk(DEVICE, KEY).ack(Desk(1).ears[1].take(bytes(Board().reporter.compose(5))))
    assert refusal(board.reporter.hear, ack, 10) == "kid"
