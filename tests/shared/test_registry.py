# cpython-only
"""The registry, and the copies of its numbers that boards fold into their code."""

import ast

from phonehome_wire import limits, names, registry

# Whose numbers a private constant of the same name repeats.
FOLDERS = ("shared/phonehome_wire", "device/phonehome")
NUMBERS = {**vars(registry), **vars(limits)}


def folded(file):
    """Private constants of a file, by name without the underscore."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "const":
                value = value.args[0]
            if isinstance(value, ast.Constant) and node.targets[0].id.startswith("_"):
                yield node.targets[0].id[1:], value.value


def test_folded_numbers_are_those_of_the_registry(project):
    """A private copy of a number of registry or limits has its value."""
    seen = 0
    for file in [file for folder in FOLDERS for file in (project / folder).rglob("*.py")]:
        for name, value in folded(file):
            if name in NUMBERS:
                assert NUMBERS[name] == value, f"{file}: _{name}"
                seen += 1
    assert seen > 100


def test_registry_holds_numbers_only():
    """Nothing but integers, so that every reader can take it as it is."""
    public = {name: value for name, value in vars(registry).items() if not name.startswith("_")}
    assert {type(value) for value in public.values()} == {int}


def test_no_number_is_used_twice():
    """Within one group each number has one name; poll and cseq share 14, in different messages."""
    doubles = {}
    for prefix in [
        "KEY_UP_",
        "RTYPE_",
        "HELLO_",
        "FAULT_",
        "FREEZE_",
        "CRASH_",
        "METRIC_",
        "FMI_",
        "STATUS_",
        "SEVERITY_",
        "KIND_",
        "CRASHKIND_",
        "COMMAND_",
        "REFUSED_",
        "PUSHED_",
        "RESET_",
        "QUALITY_",
        "POLL_",
        "DOWNLINK_",
        "KEY_ENROLL_",
        "STATE_",
    ]:
        group = [value for name, value in vars(registry).items() if name.startswith(prefix)]
        assert group, prefix
        if len(group) != len(set(group)):
            doubles[prefix] = group
    assert doubles == {}


def test_everything_has_a_name():
    """Metrics and failure modes have texts, and tables are not empty."""
    assert set(names.FMI_TEXTS) == set(names.FMI_NAMES)
    assert set(names.METRIC_TEXTS) == set(names.METRIC_NAMES)
    assert names.RESULT_NAMES[registry.RESULT_BAD_ARGS] == "bad_args"
    assert names.RESULT_FIELD_NAMES == {0: "cseq", 1: "status", 2: "value"}
    tables = {name: table for name, table in vars(names).items() if name.endswith("_NAMES")}
    assert all(tables.values())
    assert names.bit_names(names.STATUS_NAMES, 0x09) == ["test_failed", "confirmed"]
