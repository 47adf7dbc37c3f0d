"""`phonehome product` tells good files from bad ones, and builds what a board loads."""

from phonehome_product import compile_device, load
from phonehome_tools.cli import main
from tests.product.samples import GOOD


def kettle(folder, text=GOOD):
    """A product file."""
    path = folder / "kettle.toml"
    path.write_text(text)
    return path


def test_check_of_good_files_names_them(tmp_path, capsys):
    """A good file is told with its size on a board and its manifest."""
    path = kettle(tmp_path)
    assert main(["product", "check", str(path), str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{path}: good: kettle version 3, 2 sensors, 2 faults, ")


def test_check_names_every_mistake_and_is_refused(tmp_path, capsys):
    """Each mistake is one line on stderr with file and line; the good file is still checked."""
    good = kettle(tmp_path)
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD.replace("fmi = 10", "fmi = 99").replace("version = 3", "version = 0"))
    assert main(["product", "check", str(bad), str(good)]) == 3
    out, err = capsys.readouterr()
    assert out.startswith(f"{good}: good")
    assert err.splitlines() == [
        f"{bad}:5: product.version = 0: too small; write 1 or more",
        f"{bad}:56: fault.K2.fmi = 99: too large; write 31 or less",
    ]


def test_build_writes_the_device_half_beside_the_file(tmp_path, capsys):
    """Without -o the device half has the name of the file with .ph, and nothing else is left."""
    path = kettle(tmp_path)
    assert main(["product", "build", str(path)]) == 0
    assert (tmp_path / "kettle.ph").read_bytes() == compile_device(load(path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kettle.ph", "kettle.toml"]
    assert "manifest" in capsys.readouterr().out


def test_build_writes_where_it_is_told(tmp_path):
    """-o names the file, and an older one is replaced."""
    path, output = kettle(tmp_path), tmp_path / "board.bin"
    output.write_bytes(b"old")
    assert main(["product", "build", str(path), "-o", str(output)]) == 0
    assert output.read_bytes() == compile_device(load(path))


def test_build_of_a_bad_file_writes_nothing(tmp_path, capsys):
    """A refused file leaves no device half behind."""
    path = kettle(tmp_path, "[product]\n")
    assert main(["product", "build", str(path)]) == 3
    assert not (tmp_path / "kettle.ph").exists()
    assert "product.name: missing" in capsys.readouterr().err


def test_file_that_is_not_there_is_a_failure(tmp_path, capsys):
    """A path that cannot be read is told as such, not as a mistake in a file."""
    assert main(["product", "check", str(tmp_path / "no.toml")]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_output_that_cannot_be_written_is_a_failure(tmp_path, capsys):
    """A folder that is not there is told with the reason."""
    path = kettle(tmp_path)
    assert main(["product", "build", str(path), "-o", str(tmp_path / "no" / "x.ph")]) == 1
    assert "cannot be written: No such file" in capsys.readouterr().err
