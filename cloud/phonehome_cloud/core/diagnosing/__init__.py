"""Why a fault is there: facts, the evidence in them, ranked causes, and what outcomes teach."""
