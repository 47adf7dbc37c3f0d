"""Work on a store that is cut at each of its statements in turn, as if the process were gone."""

from sqlalchemy import event

MOST = 500  # statements of one attempt; with more of them it would never come through


class CutError(BaseException):
    """The process is gone."""


async def cut_at_each(engine, attempt, check=None):
    """Await `attempt()` again and again, cut one statement later each time, until one is whole.

    `check()` is awaited behind each cut, and not cut itself. Returns how many attempts it took.
    """
    for tries in range(1, MOST):
        if await _is_whole(engine, attempt, tries):
            return tries
        if check is not None:
            await check()
    raise AssertionError(f"cut at each of {MOST} statements, and still not whole")


async def _is_whole(engine, attempt, last):
    count = 0

    def cut(*_):
        nonlocal count
        count += 1
        if count == last:
            raise CutError

    event.listen(engine, "before_cursor_execute", cut)
    try:
        await attempt()
    except CutError:
        return False
    finally:
        event.remove(engine, "before_cursor_execute", cut)
    return True
