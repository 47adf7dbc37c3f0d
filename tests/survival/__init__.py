"""Everything that keeps reports is killed, again and again; then the books are compared."""
