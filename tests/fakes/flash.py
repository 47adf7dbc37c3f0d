"""Flash in memory that can lose power at any byte and any step, be full, or be read-only.

It stands for ports/files.Folder. Appending is the worst that a file system may do: what was
written up to the cut is there. A whole file is renamed into place, so it is the old or the new.
"""


class PowerCut(BaseException):
    """The power went; not an Exception, because nothing may catch it and go on."""


class FakeFlash:
    """Files by name; after `budget` bytes and steps of writing the power goes (None: never).

    `capacity` is how many bytes fit (None: any), `is_read_only` refuses every change.
    """

    def __init__(self, files=None, budget=None, capacity=None) -> None:
        self.files = {} if files is None else {name: bytes(data) for name, data in files.items()}
        self.budget = budget
        self.capacity = capacity
        self.is_read_only = False
        self.spent = 0

    def names(self) -> list:
        return sorted(name for name in self.files if not name.endswith(".new"))

    def read(self, name: str) -> bytes:
        return self.files.get(name, b"")

    def append(self, name: str, data) -> None:
        self._check_writable()
        self.files.setdefault(name, b"")
        self._spend()
        room = self._room(len(data))
        written = room
        if self.budget is not None:
            written = min(room, self.budget - self.spent)
        self.files[name] += bytes(data[:written])
        self.spent += written
        if written < room:
            raise PowerCut
        if room < len(data):
            raise OSError(28, "full")

    def write(self, name: str, data) -> None:
        self._check_writable()
        self.files.pop(name, None)
        self.append(name, data)

    def replace(self, name: str, *parts) -> None:
        self.files.pop(name + ".new", None)
        for data in parts:
            self.append(name + ".new", data)
        self._spend()
        self.files[name] = self.files.pop(name + ".new")
        self._spend()

    def rename(self, name: str, new: str) -> None:
        self._check_writable()
        self._spend()
        self.files[new] = self.files.pop(name)

    def remove(self, name: str) -> None:
        self._check_writable()
        self._spend()
        self.files.pop(name, None)
        self._spend()

    def free_kb(self) -> int:
        return 0

    def _check_writable(self) -> None:
        if self.is_read_only:
            raise OSError(30, "read-only")

    def _room(self, wanted: int) -> int:
        if self.capacity is None:
            return wanted
        return min(
            wanted, max(0, self.capacity - sum([len(data) for data in self.files.values()]))
        )

    def _spend(self) -> None:
        if self.budget is not None and self.spent >= self.budget:
            raise PowerCut
        self.spent += 1
