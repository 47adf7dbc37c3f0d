"""The linker: what boards load, made of the device's sources.

Heap on a board pays for every module, every name and every function, not for lines of text. So
the sources stay small files with long names, and this room joins what is always needed into one
module, folds constants, and shortens what nobody outside can name. The same sources give the same
bytes.
"""
