"""Somebody types: a conversation, where the console is installed."""

from .core.ondemand import forget

_CONVERSING = __name__.rpartition(".")[0] + ".conversing"


async def meet(agent, poll) -> bool:
    """Answer until nobody types any more; False when there is nobody to answer, or will be."""
    try:
        from .conversing import converse

        return await converse(agent, poll)
    except ImportError:
        from .core.reporting.lacking import advise

        print("no console: " + advise("console"))
    except Exception as error:  # outermost; the application goes on without a console
        agent.record_crash(error)
    finally:
        forget(_CONVERSING)
    return False
