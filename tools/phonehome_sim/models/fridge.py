"""A fridge-freezer: a compressor with hysteresis, an evaporator with a fan, a damper, a door.

Heat moves about thirty times faster than in a kitchen, so that the compressor's cycle takes a
minute and a half; currents, speeds and temperatures are those of a real appliance.
"""

from phonehome_sim.noise import Noise

_AMBIENT = 22.0
_FREEZER_ON, _FREEZER_OFF = -16.0, -20.0
_DAMPER_OPEN, _DAMPER_SHUT = 5.0, 3.0
_NERVOUS_ON, _NERVOUS_OFF = -17.8, -18.2
_COLDEST, _COLDEST_EMPTY, _COLDEST_NO_FAN, _COLDEST_DUSTY = -28.0, -4.0, -34.0, -21.0

# time constants in s: how fast one temperature follows another
_EVAPORATOR_S, _AIR_S, _STILL_AIR_S, _DAMPER_S = 15, 40, 800, 60
_FREEZER_LEAK_S, _SEAL_LEAK_S, _FRESH_LEAK_S, _DOOR_LEAK_S = 600, 60, 600, 30

_RUN_A, _INRUSH_A, _LOCKED_A = 1.0, 6.0, 8.0
_INRUSH_S, _TRIP_S, _COOL_S = 0.4, 3, 7  # a locked rotor trips its protector, again and again
_OPEN_NTC, _SHORTED_NTC, _AGED_NTC_K = -40.0, 88.0, 6.0
_LONGEST_STEP_S = 1.0  # a late call is walked through in steps that the physics can bear


class Fridge:
    """One appliance; call step() with a clock, then read() its sensors in their units."""

    FAULTS = {
        "door_open": "F10",
        "damper_stuck": "F20",
        "freezer_seal": "F21",
        "refrigerant_low": "F30",
        "compressor_dead": "F40",
        "compressor_locked": "F41",
        "hysteresis_lost": "F42",
        "condenser_dusty": "F43",
        "fan_blocked": "F50",
        "fresh_ntc_open": "F60",
        "fresh_ntc_shorted": "F61",
        "fresh_ntc_aged": "F62",
        "evaporator_frozen": "F70",
        "ambient_lost": "F80",
        "undervoltage": "F90",
    }

    def __init__(self, seed: int) -> None:
        """The same seed gives the same noise."""
        self._last_ms = None
        self._noise = Noise(seed)
        self._faults = set()
        self._fresh, self._freezer, self._evaporator = 4.0, -16.2, -16.5
        self._is_on = False
        self._on_s = 0.0
        self._is_damper_open = False
        self._values = {}
        self._measure()

    @property
    def phase(self) -> str:
        """What the appliance is doing."""
        return "cooling" if self._is_on else "resting"

    @property
    def is_idle(self) -> bool:
        """Whether nobody minds a restart: its compressor must not be cut off while it starts."""
        return not self._is_on

    def inject(self, fault_name: str) -> None:
        """Break something; KeyError for a name that is not in FAULTS."""
        self.FAULTS[fault_name]
        self._faults.add(fault_name)

    def clear(self, fault_name: str) -> None:
        """Mend it again; mending what is whole does nothing."""
        self._faults.discard(fault_name)

    def read(self, sensor_name: str):
        """Return a number in the sensor's unit, or None when nothing can be read."""
        return self._values[sensor_name]

    def test(self) -> dict:
        """Test damper, display, compressor and fan: 1 good, 0 open, by sensor name."""
        return {
            "fresh_temp": int(not self._has("damper_stuck")),
            "ambient_temp": int(not self._has("ambient_lost")),
            "compressor_relay": 1,
            "fan_relay": 1,
        }

    def step(self, now_ms: int) -> None:
        """Let the appliance run until now_ms, a clock that never goes back."""
        elapsed_s = 0 if self._last_ms is None else (now_ms - self._last_ms) / 1000
        self._last_ms = now_ms
        while elapsed_s > 0:
            span_s = min(elapsed_s, _LONGEST_STEP_S)
            self._control(span_s)
            self._move_heat(span_s)
            elapsed_s -= span_s
        self._measure()

    def _has(self, fault_name):
        return fault_name in self._faults

    def _control(self, span_s):
        self._on_s = self._on_s + span_s if self._is_on else 0.0
        is_nervous = self._has("hysteresis_lost")
        if self._freezer >= (_NERVOUS_ON if is_nervous else _FREEZER_ON):
            self._is_on = True
        elif self._freezer <= (_NERVOUS_OFF if is_nervous else _FREEZER_OFF):
            self._is_on = False
        measured = self._values["fresh_temp"]
        if measured >= _DAMPER_OPEN:
            self._is_damper_open = True
        elif measured <= _DAMPER_SHUT:
            self._is_damper_open = False

    def _is_pumping(self):
        is_broken = self._has("compressor_dead") or self._has("compressor_locked")
        return self._is_on and not is_broken

    def _is_fan_turning(self):
        return self._is_on and not self._has("fan_blocked")

    def _move_heat(self, span_s):
        moved = self._evaporator
        self._evaporator += (self._evaporator_goal() - moved) / _EVAPORATOR_S * span_s
        air_s = _AIR_S if self._is_fan_turning() else _STILL_AIR_S
        leak_s = _SEAL_LEAK_S if self._has("freezer_seal") else _FREEZER_LEAK_S
        gain = (moved - self._freezer) / air_s + (_AMBIENT - self._freezer) / leak_s
        self._freezer += gain * span_s
        self._fresh += self._fresh_gain() * span_s

    def _evaporator_goal(self):
        if not self._is_pumping():
            return self._freezer
        if self._has("refrigerant_low"):
            return _COLDEST_EMPTY
        if self._has("condenser_dusty"):
            return _COLDEST_DUSTY
        return _COLDEST if self._is_fan_turning() else _COLDEST_NO_FAN

    def _fresh_gain(self):
        gain = (_AMBIENT - self._fresh) / _FRESH_LEAK_S
        if self._has("door_open"):
            gain += (_AMBIENT - self._fresh) / _DOOR_LEAK_S
        is_open = self._is_damper_open and not self._has("damper_stuck")
        if is_open and self._is_fan_turning():
            gain += (self._freezer - self._fresh) / _DAMPER_S
        return gain

    def _measure(self):
        values, noise = self._values, self._noise
        values["fresh_temp"] = self._fresh_reading()
        values["fresh_temp_2"] = self._fresh + noise.spread(0.2)
        values["freezer_temp"] = self._freezer + noise.spread(0.2)
        if not self._has("evaporator_frozen") or "evaporator_temp" not in values:
            values["evaporator_temp"] = self._evaporator + noise.spread(0.3)
        is_lost = self._has("ambient_lost")
        values["ambient_temp"] = None if is_lost else _AMBIENT + noise.spread(0.3)
        values["compressor_current"] = self._current() * (1 + noise.spread(0.03))
        values["fan_speed"] = 1300 + noise.spread(15) if self._is_fan_turning() else 0
        values["door_open"] = int(self._has("door_open"))
        volts = 184 if self._has("undervoltage") else 230
        values["supply_voltage"] = volts + noise.spread(1.5)
        values["compressor_relay"] = int(self._is_on)
        values["fan_relay"] = int(self._is_on)

    def _fresh_reading(self):
        if self._has("fresh_ntc_open"):
            return _OPEN_NTC + self._noise.spread(0.2)
        if self._has("fresh_ntc_shorted"):
            return _SHORTED_NTC + self._noise.spread(0.2)
        offset = _AGED_NTC_K if self._has("fresh_ntc_aged") else 0
        return self._fresh + offset + self._noise.spread(0.2)

    def _current(self):
        if not self._is_on or self._has("compressor_dead"):
            return 0
        if self._has("compressor_locked"):
            return _LOCKED_A if self._on_s % (_TRIP_S + _COOL_S) < _TRIP_S else 0
        return _INRUSH_A if self._on_s < _INRUSH_S else _RUN_A
