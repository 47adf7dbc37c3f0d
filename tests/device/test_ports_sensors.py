"""Each sensor port reads its part, says when it cannot, and refuses wrong settings."""

import math

from phonehome.core.errors import ConfigError
from phonehome.ports.adc import ADC
from phonehome.ports.curve import NTC, Table
from phonehome.ports.dht import DHT
from phonehome.ports.ds18x20 import DS18x20, DS18x20Bus
from phonehome.ports.function import Function
from phonehome.ports.i2c import I2CRegister
from phonehome.ports.pin import DigitalPin
from tests.fakes.hardware import Clock, Hardware

ROM = b"\x28\x01\x02\x03\x04\x05\x06\x07"
OTHER_ROM = b"\x28\x11\x12\x13\x14\x15\x16\x17"


def refuses(text, make, *args, **words):
    """A constructor raises ConfigError with this text in it."""
    told = "no ConfigError"
    try:
        make(*args, **words)
    except ConfigError as error:
        told = str(error)
    assert text in told, told


def test_adc_reads_along_a_line():
    """Whole ends give whole readings, rounded; others give fractions."""
    with Hardware() as machine:
        machine.counts[26] = lambda: 32768
        assert ADC(26)() == 32768
        assert ADC(26, 0, 3300)() == 1650
        assert ADC(26, 100, 0)() == 50
        assert abs(ADC(26, 0.0, 3.3)() - 1.65) < 0.0001
        machine.counts[26] = lambda: 65535
        assert ADC(26, -40, 125)() == 125
        machine.counts[26] = lambda: 0
        assert ADC(26, -40, 125)() == -40
        assert ADC(machine.ADC(26))() == 0, "a ready one is taken as it is"


def test_adc_takes_the_mean_of_several():
    """Noise is averaged away, rounded to the nearest count."""
    readings = [10, 12, 11, 14]
    with Hardware() as machine:
        machine.counts[26] = readings.pop
        assert ADC(26, samples=4)() == 12


def test_adc_refuses_wrong_settings():
    """The error names the setting, its value and what to write."""
    refuses("low and high are both 5", ADC, 26, 5, 5)
    refuses("samples = 0; write 1..64", ADC, 26, samples=0)
    refuses("curve = 5", ADC, 26, curve=5)


def test_table_is_straight_between_its_points():
    """Inside it rounds to the nearest whole number, outside it stays at the last point."""
    table = Table([(100, 0), (200, 50), (400, -50)])
    readings = [table(counts) for counts in (0, 100, 101, 150, 200, 300, 399, 400, 65535)]
    assert readings == [0, 0, 1, 25, 50, 0, -49, -50, -50]
    refuses("1 points", Table, [(1, 1)])
    refuses("counts 5 after 5", Table, [(5, 1), (5, 2)])


def counts_at(degrees, beta, r25, series, is_high_side):
    """What an input reads when the thermistor is that warm, by the beta equation itself."""
    ohm = r25 * math.exp(beta * (1 / (degrees + 273.15) - 1 / 298.15))
    share = ohm / (ohm + series)
    return int(65535 * (1 - share if is_high_side else share) + 0.5)


def test_ntc_follows_the_beta_equation():
    """Between -20 and 110 degrees it is right to two tenths on either side of the resistor."""
    for is_high_side in (False, True):
        ntc = NTC(3950, 10000, 10000, is_high_side)
        for degrees in range(-20, 111, 3):
            counts = counts_at(degrees, 3950, 10000, 10000, is_high_side)
            assert abs(ntc(counts) - degrees) < 0.2, degrees


def test_ntc_at_its_ends():
    """A shorted thermistor reads the hottest, an open one the coldest, on either side."""
    low, high = NTC(3950, 10000, 4700), NTC(3950, 10000, 4700, is_high_side=True)
    assert (low(0), low(65535)) == (150, -50)
    assert (high(65535), high(0)) == (150, -50)
    assert NTC(3950, 10000, 10000, is_scaled=True)(32768) == 2500


def test_ntc_refuses_wrong_settings():
    """Resistances and beta are numbers above zero."""
    refuses("beta = 0", NTC, 0, 10000, 10000)
    refuses("r25_ohm = -1", NTC, 3950, -1, 10000)
    refuses("series_ohm = '10k'", NTC, 3950, 10000, "10k")


def test_ntc_on_an_adc():
    """The two together read degrees from a pin."""
    with Hardware() as machine:
        machine.counts[27] = lambda: counts_at(60, 3950, 10000, 10000, False)
        assert abs(ADC(27, curve=NTC(3950, 10000, 10000))() - 60) < 0.1


def test_digital_pin_with_pull_and_inversion():
    """It reads 0 or 1 as wired; an open pin reads what its pull gives."""
    with Hardware() as machine:
        machine.levels[5] = 1
        assert DigitalPin(5)() == 1
        assert DigitalPin(5, invert=True)() == 0
        assert DigitalPin(6, pull="up")() == 1
        assert DigitalPin(6, pull="up", invert=True)() == 0
        assert DigitalPin(6, pull="down")() == 0
        assert DigitalPin(machine.Pin(5), invert=True)() == 0
    refuses("pull = 'yes'", DigitalPin, 5, pull="yes")


def test_ds18x20_never_waits_for_its_conversion():
    """The first reading is missing, each later one is that of the conversion before."""
    clock = Clock()
    with Hardware() as machine:
        from ds18x20 import Thermometer

        part = Thermometer(21.5)
        machine.lines[4] = {ROM: part}
        read = DS18x20(DS18x20Bus(4, clock))
        assert read() is None
        clock.now_ms += 700
        assert read() is None, "not ready"
        part.degrees = 22.0
        clock.now_ms += 50
        assert read() == 21.5
        clock.now_ms += 749
        assert read() == 21.5, "the newest there is"
        clock.now_ms += 1
        assert read() == 22.0


def test_ds18x20_shares_one_conversion():
    """Several thermometers of a bus have their results from the same conversion."""
    clock = Clock()
    with Hardware() as machine:
        from ds18x20 import Thermometer

        machine.lines[4] = {ROM: Thermometer(20.0), OTHER_ROM: Thermometer(30.0)}
        bus = DS18x20Bus(4, clock)
        first, second = DS18x20(bus, ROM), DS18x20(bus, "2811121314151617")
        nameless = DS18x20(bus)
        assert (first(), second(), nameless()) == (None, None, None)
        clock.now_ms += 750
        assert (first(), second()) == (20.0, 30.0)
        assert nameless() is None, "two answer, so which one it is stays open"


def test_ds18x20_that_fails_is_missing():
    """Unplugged, garbled, or after a loss of power there is no reading, and later there is."""
    clock = Clock()
    with Hardware() as machine:
        from ds18x20 import Thermometer

        part = Thermometer(20.0)
        read = DS18x20(DS18x20Bus(4, clock), ROM)

        def after_conversion():
            clock.now_ms += 1000
            return read()

        assert [after_conversion(), after_conversion()] == [None, None], "nobody there"
        machine.lines[4] = {ROM: part}
        assert [after_conversion(), after_conversion()] == [None, 20.0]
        part.is_garbled = True
        assert after_conversion() is None
        part.is_garbled = False
        part.converted = 85.0
        assert after_conversion() is None, "a power-on value is no temperature"
        part.degrees = part.converted = 80.0
        assert after_conversion() == 80.0
        part.degrees = part.converted = 85.0
        assert after_conversion() == 85.0, "near the last reading it is believable"
        machine.lines[4] = {}
        assert after_conversion() is None
    refuses("rom = 'abc'", DS18x20, None, "abc")
    refuses("rom = b'123'", DS18x20, None, b"123")


def test_dht_measures_once_for_both_sensors():
    """Temperature and humidity share a measurement, and the part gets its pause."""
    clock = Clock()
    with Hardware() as machine:
        from dht import Air

        air = machine.lines[15] = Air(21.4, 48.0)
        part = DHT(15, clock=clock)
        assert (part.temperature(), part.humidity(), air.measured) == (21.4, 48.0, 1)
        clock.now_ms += 1999
        assert (part.humidity(), air.measured) == (48.0, 1)
        clock.now_ms += 1
        air.humidity = 50.0
        assert (part.humidity(), air.measured) == (50.0, 2)


def test_dht_that_fails_is_missing():
    """Without an answer or with a wrong checksum there is no reading until the next good one."""
    clock = Clock()
    with Hardware() as machine:
        from dht import Air

        air = machine.lines[15] = Air(21, 48)
        part = DHT(15, model=11, clock=clock)
        for error in (OSError(110), Exception("checksum error")):
            air.error = error
            clock.now_ms += 1000
            assert (part.temperature(), part.humidity()) == (None, None)
        air.error = None
        assert part.temperature() is None, "still in its pause"
        clock.now_ms += 1000
        assert part.temperature() == 21
    refuses("model = 21; write 11 or 22", DHT, 15, 21)


def test_i2c_register_of_any_shape():
    """Length, sign, byte order, scale and offset give the reading of the data sheet."""
    with Hardware() as machine:
        machine.registers[(0, 0x48)] = bytes([0x19, 0x80, 0xFF, 0x38, 0x80])
        cases = (
            ((0,), {}, 0x19),
            ((0, 2), {}, 0x1980),
            ((0, 2), {"is_little": True}, 0x8019),
            ((0, 2), {"scale": 1 / 256}, 25.5),
            ((2, 2), {"is_signed": True}, -200),
            ((2, 2), {"is_signed": True, "scale": 2, "offset": 7}, -393),
            ((4, 1), {"is_signed": True}, -128),
            ((0, 3), {}, 0x1980FF),
            ((1, 4), {"is_signed": True, "is_little": True}, -(0x100000000 - 0x8038FF80)),
        )
        for place, words, reading in cases:
            assert I2CRegister(0, 0x48, *place, **words)() == reading, (place, words)


def test_i2c_part_that_does_not_answer():
    """Its OSError passes through: the sampler counts it as a missing sample."""
    with Hardware() as machine:
        read = I2CRegister(machine.I2C(1), 0x48, 0)
        try:
            read()
        except OSError:
            return
    raise AssertionError("no OSError")


def test_i2c_refuses_wrong_settings():
    """The error names the setting, its value and its bounds."""
    refuses("address = 144; write 8..119", I2CRegister, 0, 0x90, 0)
    refuses("register = 256", I2CRegister, 0, 0x48, 256)
    refuses("length = 5", I2CRegister, 0, 0x48, 0, 5)
    refuses("scale = 0", I2CRegister, 0, 0x48, 0, scale=0)


def test_function_passes_its_arguments():
    """It reads as the function does, and knows the value that means no reading."""
    assert Function(max, 3, 7)() == 7
    assert Function(lambda: -127, missing=-127)() is None
    assert Function(lambda: None)() is None
    assert Function(lambda: 0)() == 0
    refuses("read = 5", Function, 5)
