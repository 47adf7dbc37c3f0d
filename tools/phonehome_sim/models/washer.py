"""A washing machine: fill, wash, heat, drain, balance, spin, idle in about 45 s, again and again.

The program is compressed so that a whole cycle fits a demonstration; what a sensor says while
something is switched on (levels, currents, speeds) is as in a real machine.
"""

import math

from phonehome_sim.noise import Noise

_FULL_MM, _EMPTY_MM, _BRIM_MM = 90, 3, 185
_INLET_MM_S, _SLOW_INLET_MM_S, _VALVE_LEAK_MM_S, _PUMP_MM_S = 12, 0.8, 8, 12
_AMBIENT, _WASH_TEMP, _THERMOSTAT = 20.0, 40.0, 85.0
_HEATING_K_S, _WINDING_K_S, _WINDING_LIMIT = 3.0, 12.0, 140.0
_TUMBLE, _BALANCE, _SPIN, _SPEED_UP, _SPEED_DOWN = 45, 100, 1200, 300, 600
_UNBALANCED = 4.0  # m/s2: the program does not spin such a load
_LONGEST_STEP_S = 0.5  # a late call is walked through in steps that the physics can bear

# phase: (valve, heater, pump, drum speed, shortest s, longest s or None, next)
_PROGRAM = {
    "fill": (1, 0, 0, _TUMBLE, 0, None, "wash"),
    "wash": (0, 0, 0, _TUMBLE, 4, 4, "heat"),
    "heat": (0, 1, 0, _TUMBLE, 1, 12, "drain"),
    "drain": (0, 0, 1, _TUMBLE, 0, None, "balance"),
    "balance": (0, 0, 1, _BALANCE, 4, None, "spin"),
    "spin": (0, 0, 1, _SPIN, 9, 9, "idle"),
    "idle": (0, 0, 0, 0, 5, 5, "fill"),
}
_NTC_FAULTS = {"ntc_shorted", "ntc_open"}
_PUMP_FAULTS = {"drain_blocked", "pump_open"}
_LOCKING_PHASES = ("fill", "wash", "heat", "drain", "balance", "spin")


class Washer:
    """One machine; call step() with a clock, then read() its sensors in their units."""

    FAULTS = {
        "inlet_slow": "E10",
        "overfill": "E12",
        "drain_blocked": "E21",
        "pump_open": "E22",
        "heater_open": "E30",
        "heater_welded": "E31",
        "ntc_shorted": "E40",
        "ntc_open": "E41",
        "bearing": "E50",
        "drum_cracked": "E50",
        "unbalanced": "E51",
        "vibration_frozen": "E52",
        "vibration_lost": "E53",
        "vibration_loose": "E54",
        "door_lock": "E60",
        "motor_hot": "E70",
        "drum_stuck": "E71",
        "leak": "E80",
        "undervoltage": "E90",
    }

    def __init__(self, seed: int) -> None:
        """The same seed gives the same noise."""
        self.phase = "idle"
        self._phase_s = 4.0  # somebody has just pressed start
        self._last_ms = None
        self._noise = Noise(seed)
        self._faults = set()
        self._level = 0.0
        self._temp = _AMBIENT
        self._speed = 0.0
        self._winding = 35.0
        self._values = {}
        self._measure()

    def inject(self, fault_name: str) -> None:
        """Break something; KeyError for a name that is not in FAULTS."""
        self.FAULTS[fault_name]
        self._faults.add(fault_name)

    def clear(self, fault_name: str) -> None:
        """Mend it again; mending what is whole does nothing."""
        self._faults.discard(fault_name)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is switched on: no program runs, or it waits for the door."""
        return self.phase == "idle" or self._is_paused()

    def read(self, sensor_name: str):
        """Return a number in the sensor's unit, or None when nothing can be read."""
        return self._values[sensor_name]

    def test(self) -> dict:
        """Test valve, heater, pump, lock and accelerometer: 1 good, 0 open, by sensor name."""
        broken = {
            "inlet_valve": (),
            "heater_relay": ("heater_open",),
            "drain_pump": ("pump_open",),
            "door_locked": ("door_lock",),
            "vibration": ("vibration_lost",),
        }
        return {n: int(not self._faults & set(by)) for n, by in broken.items()}

    def step(self, now_ms: int) -> None:
        """Let the machine run until now_ms, a clock that never goes back."""
        elapsed_s = 0 if self._last_ms is None else (now_ms - self._last_ms) / 1000
        self._last_ms = now_ms
        while elapsed_s > 0:
            span_s = min(elapsed_s, _LONGEST_STEP_S)
            self._run(span_s)
            elapsed_s -= span_s
        self._measure()

    def _run(self, span_s):
        if not self._is_paused():
            self._phase_s += span_s
            if self._is_phase_over():
                self.phase = _PROGRAM[self.phase][6]
                self._phase_s = 0.0
        self._move_water(span_s)
        self._move_heat(span_s)
        self._move_drum(span_s)

    def _is_paused(self):
        return self.phase in _LOCKING_PHASES and "door_lock" in self._faults

    def _is_phase_over(self):
        longest_s = _PROGRAM[self.phase][5]
        if self._phase_s < _PROGRAM[self.phase][4]:
            return False
        return self._has_reached_goal() or (longest_s is not None and self._phase_s >= longest_s)

    def _has_reached_goal(self):
        if self.phase == "fill":
            return self._level >= _FULL_MM
        if self.phase == "heat":
            measured = self._values["water_temp"]
            return measured is None or measured >= _WASH_TEMP
        if self.phase == "drain":
            return self._level <= _EMPTY_MM
        if self.phase == "balance":
            return (self._values["vibration"] or 0) < _UNBALANCED
        return False

    def _switch(self, column):
        return 0 if self._is_paused() else _PROGRAM[self.phase][column]

    def _valve(self):
        return self._switch(0)

    def _heater(self):
        return 0 if self._faults & _NTC_FAULTS else self._switch(1)

    def _pump(self):
        return self._switch(2)

    def _demand(self):
        return _PROGRAM[self.phase][3]

    def _move_water(self, span_s):
        flow = _VALVE_LEAK_MM_S if "overfill" in self._faults else 0
        if self._valve():
            flow += _SLOW_INLET_MM_S if "inlet_slow" in self._faults else _INLET_MM_S
        if self._pump() and not self._faults & _PUMP_FAULTS:
            flow -= _PUMP_MM_S
        self._level = min(max(self._level + flow * span_s, 0.0), _BRIM_MM)

    def _move_heat(self, span_s):
        if self.phase == "idle":
            self._temp = _AMBIENT
        elif self._is_heating():
            self._temp = min(self._temp + _HEATING_K_S * span_s, _THERMOSTAT)
        target = _WINDING_LIMIT if "motor_hot" in self._faults else 40 + self._speed / 60
        pace = _WINDING_K_S * span_s if "motor_hot" in self._faults else 2 * span_s
        self._winding += min(max(target - self._winding, -pace), pace)

    def _is_heating(self):
        is_on = self._heater() and "heater_open" not in self._faults
        return is_on or "heater_welded" in self._faults

    def _move_drum(self, span_s):
        is_held = self._is_paused() or "drum_stuck" in self._faults
        wanted = 0 if is_held else self._demand()
        climb, fall = _SPEED_UP * span_s, -_SPEED_DOWN * span_s
        self._speed = max(self._speed + min(max(wanted - self._speed, fall), climb), 0.0)

    def _measure(self):
        values, noise = self._values, self._noise
        values["water_level"] = max(self._level + noise.spread(0.4), 0)
        values["ntc_voltage"] = self._ntc_voltage() + noise.spread(4)
        values["water_temp"] = self._read_ntc()
        values["drum_speed"] = self._speed + (noise.spread(3) if self._speed else 0)
        values["motor_demand"] = self._demand()
        values["motor_temp"] = self._winding + noise.spread(0.4)
        values["motor_current"] = self._motor_current()
        values["heater_current"] = self._current(self._is_heating(), 8.7)
        values["pump_current"] = self._current(
            self._pump() and "pump_open" not in self._faults,
            0.34 if "drain_blocked" in self._faults else 0.24,
        )
        self._measure_vibration()
        values["pan_water"] = int("leak" in self._faults)
        values["door_locked"] = int(self.phase in _LOCKING_PHASES and not self._is_paused())
        is_weak = "undervoltage" in self._faults
        values["supply_voltage"] = (184 if is_weak else 230) + noise.spread(1.5)
        values["inlet_valve"] = self._valve()
        values["heater_relay"] = self._heater()
        values["drain_pump"] = self._pump()

    def _ntc_voltage(self):
        """Millivolts of 3.3 V across 10 kOhm (B 3435) below a resistor of 10 kOhm."""
        if "ntc_shorted" in self._faults:
            return 12
        if "ntc_open" in self._faults:
            return 3290
        ratio = math.exp(3435 * (1 / (self._temp + 273.15) - 1 / 298.15))
        return 3300 * ratio / (1 + ratio)

    def _read_ntc(self):
        """The firmware gives no temperature from a voltage that no temperature makes."""
        if self._faults & _NTC_FAULTS:
            return None
        return self._temp + self._noise.spread(0.2)

    def _current(self, is_on, amperes):
        return amperes * (1 + self._noise.spread(0.03)) if is_on else 0

    def _motor_current(self):
        if not self._demand() or self._is_paused():
            return 0
        load = 4.5 if "drum_stuck" in self._faults else 0.9 + self._speed / 600
        return load * (1 + self._noise.spread(0.05))

    def _measure_vibration(self):
        if "vibration_lost" in self._faults:
            self._values["vibration"] = None
        elif "vibration_frozen" not in self._faults or self._values.get("vibration") is None:
            self._values["vibration"] = self._vibration()

    def _vibration(self):
        share = self._speed / _SPIN
        level = 0.35 + 2.0 * share
        if "bearing" in self._faults:
            level += 7.5 * share
        if "drum_cracked" in self._faults:
            level += 16.0 * share  # it opens with the speed, and strikes the tub
        if "unbalanced" in self._faults and self.phase == "balance":
            level += 5.0  # at higher speeds the load clings to the drum as it was spread
        amplitude = 2.5 if "vibration_loose" in self._faults else 0.3
        return max(level + self._noise.spread(amplitude), 0)
