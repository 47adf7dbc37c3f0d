"""What every board's main.py can be: app.py beside it makes an Agent and runs it.

A mistake in app.py, even one that keeps it from being imported, locks nobody out.
"""

import phonehome

phonehome.start("app", "phonehome.json", "product.ph")
