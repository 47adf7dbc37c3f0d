"""A life of the real agent on littlefs, and what must hold wherever the power is cut in it."""

from phonehome.core.faultfile import FILE, snapshot_in
from phonehome.core.recordhead import kind_of, read_head
from phonehome_wire import registry
from tests.fakes.board import DEVICE, KEY
from tests.fakes.desk import FakeDesk
from tests.fakes.lifetime import DATA, Cells, Life, Reboot
from tests.fakes.littleflash import Flash, LittleFiles, apply, mounted


class Story:
    """What was made, stored, acknowledged and given up, each with the change it held from."""

    def __init__(self, flash):
        self.flash = flash
        self.desk = FakeDesk(DEVICE, KEY)
        self.made = {}  # (inc, boot, seq): bytes
        self.tried = {}  # the same key: since when it may be on flash
        self.stored = {}  # from which change of the flash on it is promised
        self.gone = {}  # up to which change it is promised: it was acknowledged or given up
        self.heard = {}  # since when the desk has it
        self.begun = []  # (change, inc, boot)
        self.kept = [(0, 0, b"")]  # (change before, change after, fault states)
        self.retained = [(0, b"")]  # (change, what the retained memory holds from then on)
        self.died = 0  # the change from which on a crash lies in the black box

    @property
    def now(self):
        """How many changes the flash has seen."""
        return len(self.flash.changes)

    def watch(self, life):
        """Follow the outbox and the session of an agent."""
        waiting, session = life.agent.outbox, life.agent._session
        open_outbox, begin, keep_faults = waiting.open, session.begin, life.agent._keep_faults

        def spy_open():
            outbox = open_outbox()
            outbox.append = lambda record, is_urgent=False: self._append(outbox, record, is_urgent)
            outbox._give_up = lambda *parts: self._give_up(outbox, *parts)
            return outbox

        def spy_begin():
            begin()
            self.begun.append((self.now, session.inc, session.boot))

        def spy_keep_faults():
            since = self.now
            keep_faults()
            self.kept.append((since, self.now, life.agent._kept_faults))

        waiting.open, session.begin = spy_open, spy_begin
        life.agent._keep_faults = spy_keep_faults

    def _append(self, outbox, record, is_urgent):
        key = (outbox.inc, *read_head(record)[1:])
        assert self.made.setdefault(key, bytes(record)) == record
        self.tried.setdefault(key, self.now)
        is_stored = type(outbox).append(outbox, record, is_urgent)
        if is_stored:
            self.stored[key] = self.now
        return is_stored

    def _give_up(self, outbox, run, survivors, victims):
        for record in victims:
            self.gone.setdefault((run.inc, *read_head(record)[1:]), self.now)
        type(outbox)._give_up(outbox, run, survivors, victims)

    def acked(self, life, report):
        """What a report carries may be deleted from now on."""
        inc = report.origin_inc or report.inc
        for record in report.records:
            self.heard.setdefault((inc, record.boot, record.seq), self.now)
            self.gone.setdefault((inc, record.boot, record.seq), self.now)

    def retain(self, data):
        """The retained memory was written."""
        self.retained.append((self.now, data))

    def retained_at(self, cut):
        """What the retained memory holds when a reset comes before a change."""
        return [data for since, data in self.retained if since <= cut][-1]

    def made_until(self, cut):
        """The records that may be on flash when the power goes before a change."""
        return {key: self.made[key] for key, since in self.tried.items() if since <= cut}

    def faults_at(self, cut):
        """The fault states that a boot may have kept when the power went before a change.

        Those on flash then, or the next ones: a record in the outbox may tell them already.
        """
        done = [states for _, until, states in self.kept if until <= cut]
        return {states for _, _, states in self.kept[len(done) - 1 : len(done) + 1]}

    def promised(self, cut):
        """Keys of the records that must be on flash when the power goes before a change."""
        return {
            key
            for key, since in self.stored.items()
            if since <= cut and self.gone.get(key, cut + 1) > cut
        }


def tell(flash, key):
    """Three boots with everything that writes; return (files, story)."""
    files, story = LittleFiles(flash, is_new=True), Story(flash)
    flash.changes.clear()
    cells = Cells(note=story.retain)
    with mounted(files):
        life = Life(files, key, story, cells)
        life.start()
        busy_life(life)
        dying_life(life)
        life = Life(files, key, story, cells, seed=2)
        life.start()
        overflowing_life(life)
        life = Life(files, key, story, cells, seed=3)
        life.start()
        full_life(life)
    return files, story


def busy_life(life):
    """Faults, reports, a refusal, a crash, a shelf, the hourly save."""
    life.toggle(2)
    life.report()
    life.toggle(1)
    life.report(refuse=True)
    life.agent.record_crash(ValueError("told at once"))
    life.agent.shelve("E1", 3_600_000)
    life.agent._keep()
    life.report()


def dying_life(life):
    """A crash that only the black box can take."""
    life.toggle(1)
    try:
        life.agent._tasks.die(KeyError("told later"))
    except Reboot:
        life.story.died = life.story.now
        life.end()


def overflowing_life(life):
    """More than the outbox holds, and an end in order."""
    life.toggle(24)
    life.report()
    life.agent._keep()
    life.stop()
    life.end()


def full_life(life):
    """A file system without a free block, on which more happens; then there is room again."""
    files = life.files
    with files.open("/filler", "wb") as file:
        while files.statvfs(DATA)[3] > 0:
            file.write(bytes(4000))
    life.toggle(6)
    files.remove("/filler")
    life.toggle(2)
    life.report()
    life.end()


def images(base, changes, stride=1):
    """(cut, image, is torn) before every change, and in the middle of it; one of `stride`."""
    image = bytearray(base)
    for cut, change in enumerate(changes):
        if 2 * cut % stride == 0:
            yield cut, image, False
        if (2 * cut + 1) % stride == 0:
            torn = bytearray(image)
            apply(torn, change, 0.5)
            yield cut, torn, True
        apply(image, change)
    yield len(changes), image, False


def check(image, key, calls, story, cut, retained=b""):
    """Power on with this flash: it mounts, its files are whole, the agent's boot has them all.

    Then the boot reports what waits; return the story of this boot.
    """
    flash = Flash(image=image)
    files = LittleFiles(flash)
    check_files(files, calls, cut)
    with mounted(files):
        after = Story(flash)
        after.made.update(story.made_until(cut))
        with Life(files, key, after, Cells(retained), seed=99) as life:
            check_records(life, story, cut)
            life.start()
            life.run(2)
            life.drain()
        check_crash(story, after.desk, cut)
    return after


def check_second(image, key, story, cut, after, second):
    """Power on again, where the boot after a cut was cut too: only what it reported may miss."""
    files = LittleFiles(Flash(image=image))
    with mounted(files), Life(files, key, Story(files.flash), seed=98) as life:
        left = waiting(life.agent.outbox.open())
        reported = {done for done, since in after.gone.items() if since <= second}
        assert story.promised(cut) - reported <= set(left), (cut, second)
        made = {**story.made_until(cut), **after.made_until(second)}
        assert all(made[known] == record for known, record in left.items()), (cut, second)
        session = life.agent._session
        used = {(inc, boot) for since, inc, boot in after.begun if since <= second}
        assert (session.inc, session.boot) not in used, (cut, second)


def check_files(files, calls, cut, folder=DATA):
    """Each file is as the last change that was done left it, or as the one that was cut may."""
    allowed = {}
    for before, after, meanwhile in calls:
        if before > cut:
            break
        for path, contents in meanwhile.items():
            if after <= cut:
                allowed[path] = {contents[-1]}
            else:
                allowed[path] = allowed.get(path, {None}) | set(contents)
    found = files.contents(folder)
    for path, contents in allowed.items():
        if path.startswith(folder + "/"):
            assert found.get(path) in contents, (cut, path)
    assert set(found) <= set(allowed), cut


def check_records(life, story, cut):
    """What was promised is there or counted, what is there was made, no number is reused."""
    outbox = life.agent.outbox.open()
    left = waiting(outbox)
    made = story.made_until(cut)
    for key, record in left.items():
        assert made[key] == record, (cut, key)
    assert story.promised(cut) <= set(left), cut
    session = life.agent._session
    used = {(inc, boot) for since, inc, boot in story.begun if since <= cut}
    assert (session.inc, session.boot) not in used, cut
    check_counts(story, cut, left, outbox.drops)
    assert snapshot_in(life.agent._folder.read(FILE)) in story.faults_at(cut), cut


def waiting(outbox):
    """Every record of an outbox by incarnation, boot and seq."""
    return {
        (run.inc, *read_head(record)[1:]): bytes(record)
        for run in outbox._runs
        for record in outbox._records(run)
    }


def check_counts(story, cut, left, drops):
    """Records that were stored and are neither there nor at the desk are counted by kind."""
    missing = {}
    for key, since in story.stored.items():
        if since <= cut and key not in left and key not in story.desk.stored:
            kind = kind_of(story.made[key])
            missing[kind] = missing.get(kind, 0) + 1
    for kind, count in missing.items():
        assert drops.get(kind, 0) >= count, (cut, kind, count, dict(drops))
    assert "unreadable" not in drops, cut


def check_crash(story, desk, cut):
    """The crash of the black box comes exactly once; not before it was there."""
    before = {key for key, since in story.heard.items() if since <= cut}
    known = {key: story.desk.stored[key] for key in before if key in story.desk.stored}
    crashes = [
        record
        for record in {**known, **desk.stored}.values()
        if record.rtype == registry.RTYPE_CRASH
        and record.body.get(registry.CRASH_EXCEPTION) == "KeyError"
    ]
    assert len(crashes) <= 1, (cut, len(crashes))
    assert crashes or cut < story.died, cut
