"""The agent as .mpy, module by module: for programs that look inside, where names must stay."""

from phonehome_tools.fleet.compiling import compile_module, module_name
from phonehome_tools.fleet.interpreter import ROOMS, UPYLIB, folder_of


def compile_sources(target) -> None:
    """Compile all that a virtual board imports into a folder."""
    for package in (*map(folder_of, ROOMS), UPYLIB / "umqtt"):
        for source in sorted(package.rglob("*.py")):
            name = source.relative_to(package.parent)
            compiled = target / name.with_suffix(".mpy")
            compiled.parent.mkdir(parents=True, exist_ok=True)
            compiled.write_bytes(compile_module(source, module_name(name)))
