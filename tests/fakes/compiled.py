"""The agent as .mpy, module by module: for programs that look inside, where names must stay."""

from phonehome_tools.fleet.compiling import compile_module, module_name
from phonehome_tools.fleet.interpreter import ROOMS, UPYLIB, folder_of


def compile_sources(target) -> None:
    """Compile all that a virtual board imports into a folder."""
    for name, data in source_modules(*map(folder_of, ROOMS), UPYLIB / "umqtt").items():
        compiled = target / name
        compiled.parent.mkdir(parents=True, exist_ok=True)
        compiled.write_bytes(data)


def source_modules(*packages) -> dict:
    """The modules of packages, given by their folders, by the path below the import path."""
    names = {
        source: source.relative_to(package.parent)
        for package in packages
        for source in sorted(package.rglob("*.py"))
    }
    return {
        str(name.with_suffix(".mpy")): compile_module(source, module_name(name))
        for source, name in names.items()
    }
