"""What a sleeping appliance takes from its battery: charge a day from time awake and bytes sent.

An estimate: currents are typical ones of data sheets at 25 degrees and 3.3 V, of the bare module.
A development board with a USB bridge, a linear regulator and a lamp takes more asleep than its
module does awake.
"""

from dataclasses import dataclass

MS_PER_HOUR = 3_600_000
HOURS_PER_DAY = 24


@dataclass(frozen=True)
class BoardCurrents:
    """Milliamperes in each state, and how long a board is busy beside the agent's own time.

    `listening_ma` is the radio with the processor, `sending_ma` is that while it transmits;
    `boot_ms` comes before the program of each wake, `join_ms` before each conversation: finding
    the access point, joining it, an address; with `keeps_ram` the program goes on after a sleep
    and loads nothing. `air_kbit_s` is what of the air's rate is the data's.
    """

    name: str
    asleep_ma: float
    awake_ma: float
    listening_ma: float
    sending_ma: float
    boot_ms: int
    join_ms: int
    keeps_ram: bool = False
    air_kbit_s: int = 1000


# Joining: published measurements of DHCP, WPA2 and a scan of all channels are 2 to 8 s, and 0.2 to
# 2 s where channel and access point are known; 3 s is assumed for all.
BOARDS = (
    # ESP32-WROOM-32 data sheet, power consumption by power modes: 10 uA with RTC timer and RTC
    # memory, 20 to 25 mA at 80 MHz and 30 to 50 mA at 240 MHz (MicroPython runs at 160), Rx and
    # listening 80 to 90 mA, Tx 160 to 260 mA. 270 ms from reset to program: T. von Eicken 2018.
    BoardCurrents("ESP32", 0.010, 35, 90, 200, 270, 3000),
    # ESP32-S2-WROVER data sheet, tables 7 and 8: 10 uA, 17 mA at 160 MHz, Rx 63 mA with an idle
    # processor, Tx 190 mA on average (802.11b).
    BoardCurrents("ESP32-S2", 0.010, 17, 80, 190, 270, 3000),
    # ESP32-C3: 5 uA (Espressif's techpedia, low power), 27 mA for a busy loop at 160 MHz
    # (R. Dobson 2023); radio as the S2's for want of a better source.
    BoardCurrents("ESP32-C3", 0.005, 27, 85, 190, 270, 3000),
    # Pico W: 1.5 mA in lightsleep (D. George, MicroPython commit b004e7e, a Pico at 5 V; the radio
    # without power), 53 mA joined and idle (A. Gratton, MicroPython pull request 17272). 25 mA for
    # a busy processor and 200 mA for transmitting are assumed. Light sleep needs no boot.
    BoardCurrents("Pico W", 1.5, 25, 53, 200, 0, 3000, keeps_ram=True),
)


@dataclass(frozen=True)
class Battery:
    """A battery by its data sheet; `usable` is what regulator, cold and self-discharge leave."""

    name: str
    capacity_mah: float
    volts: float
    usable: float


BATTERIES = (
    # Two alkaline cells in series, 2,500 mAh at 25 mA down to 0.8 V, through a boost converter.
    Battery("2 x AA", 2500, 2.6, 0.7),
    Battery("18650", 3000, 3.6, 0.8),
)
SUPPLY_VOLTS = 3.3


@dataclass(frozen=True)
class Day:
    """What an appliance did in a day; `awake_ms` is without the conversations' `radio_ms`."""

    wakes: int
    awake_ms: float
    conversations: int
    radio_ms: float
    bytes_sent: int


@dataclass(frozen=True)
class Estimate:
    """Milliampere-hours a day at the supply, by what they went into."""

    asleep_mah: float
    awake_mah: float
    radio_mah: float

    @property
    def total_mah(self) -> float:
        """All of it."""
        return self.asleep_mah + self.awake_mah + self.radio_mah

    @property
    def radio_share(self) -> float:
        """The part of it that talking takes, 0 to 1."""
        return self.radio_mah / self.total_mah

    def days(self, battery: Battery) -> float:
        """How long a battery lasts at this rate."""
        usable_mwh = battery.capacity_mah * battery.volts * battery.usable
        return usable_mwh / (self.total_mah * SUPPLY_VOLTS)


def estimate(board: BoardCurrents, day: Day) -> Estimate:
    """The charge of a day on a board; the whole day is either asleep, awake or on the radio."""
    awake_h = (day.awake_ms + day.wakes * board.boot_ms) / MS_PER_HOUR
    radio_h = (day.radio_ms + day.conversations * board.join_ms) / MS_PER_HOUR
    asleep_h = max(HOURS_PER_DAY - awake_h - radio_h, 0)
    sending_h = day.bytes_sent * 8 / board.air_kbit_s / MS_PER_HOUR
    radio_mah = radio_h * board.listening_ma
    radio_mah += sending_h * (board.sending_ma - board.listening_ma)
    return Estimate(asleep_h * board.asleep_ma, awake_h * board.awake_ma, radio_mah)
