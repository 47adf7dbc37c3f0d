"""Import on the desk API: several CSV files at once, all of them or nothing."""

import asyncio
from typing import Final

from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people.kinds import KINDS
from phonehome_cloud.core.people.sheets import Problem, Sheet, read_sheet
from phonehome_cloud.store.importing import Imported, import_sheets

from .bodies import read_json
from .operations import Operation, json_response
from .parts import ACTOR, DATABASE
from .people_bodies import BadValue, File, Import, ImportedFile, NewImport
from .problems import ProblemError, field_error
from .queries import check_names

# 100,000 owners are 20 MB, in base64 a third more.
MAX_BODY_BYTES: Final = 32 * 1024 * 1024
_WITHIN_S: Final = 120.0


async def import_people(request: web.Request) -> web.Response:
    """Write every row of the files, or nothing and say of every bad row what is wrong.

    200 with what was written; a dry run is 200 with what would be, also when rows are bad; else
    422, whose `errors` name file:line:column.
    """
    check_names(request, ())
    wanted = await read_json(request, NewImport, MAX_BODY_BYTES, _WITHIN_S)
    _check_files(wanted.files)
    sheets = await asyncio.to_thread(lambda: [_read(file) for file in wanted.files])
    database, who = request.config_dict[DATABASE], request[ACTOR]
    done = await database.write(import_sheets, sheets, who, now_ms(), is_dry=wanted.dry_run)
    if done.problems and not wanted.dry_run:
        count = len(done.problems)
        detail = f"{count} value{'s are' if count > 1 else ' is'} wrong; nothing was written"
        raise ProblemError("invalid-body", detail, *map(_as_error, done.problems))
    return json_response(_show(done, is_written=not wanted.dry_run))


def _check_files(files: list[File]) -> None:
    for file in files:
        if file.kind not in KINDS:
            error = field_error("kind", file.kind, f"one of {', '.join(KINDS)}")
            raise ProblemError("invalid-body", "there is no such kind", error)
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            error = field_error("name", name, "give each file a name of its own")
            raise ProblemError("invalid-body", "two files have one name", error)


def _read(file: File) -> Sheet:
    return read_sheet(KINDS[file.kind], file.name, file.content, file.encoding)


def _as_error(problem: Problem) -> dict[str, object]:
    where = f"{problem.file}:{problem.line}:{problem.column}"
    return field_error(where, problem.value, problem.fix)


def _show(done: Imported, *, is_written: bool) -> Import:
    files = [
        ImportedFile(sheet.file, sheet.kind.name, found.created, found.updated, found.unchanged)
        for sheet, found in done.outcomes
    ]
    problems = [BadValue(p.file, p.line, p.column, p.value, p.fix) for p in done.problems]
    return Import(is_written, files, problems)


OPERATIONS = (
    Operation(
        "POST",
        "/people/import",
        import_people,
        "Import owners, appliances, technicians, suppliers, parts and desks from CSV files",
        Import,
        body=NewImport,
    ),
)
