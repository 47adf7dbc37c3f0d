"""How each kind of action is started, asked for, asked again and ended.

Every function runs in the transaction of whoever calls it, and reaches the world by effects only.
Modules of actions add themselves to these tables; they import `core.caring`, never `store.care`,
which looks up in here what to do.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy import Connection

from phonehome_cloud.core.caring import ActionRow, Case

# (connection, action, case, now_at). The action is in state `running`, or `waiting_consent` for
# ASKS; what they put into its `detail` and `due_at` is kept. Raises core.caring.StartError.
Start = Callable[[Connection, ActionRow, Case, int], None]
# Its due_at has passed: when to ask again, or None when it has failed.
Due = Callable[[Connection, ActionRow, Case, int], int | None]
# It has ended, in whatever state it is now: take back what is not needed any more.
End = Callable[[Connection, ActionRow, int], None]

STARTS: Mapping[str, Start] = MappingProxyType({})
ASKS: Mapping[str, Start] = MappingProxyType({})
DUES: Mapping[str, Due] = MappingProxyType({})
ENDS: Mapping[str, End] = MappingProxyType({})
