"""The tables of the service, each list beside the room that works with it: all in the metadata."""

from . import (  # noqa: F401 - for the metadata alone
    acting_tables,
    care_tables,
    people_tables,
    prior_tables,
    visit_tables,
)
