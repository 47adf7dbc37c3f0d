"""What ails a board: `asking` collects facts, `judging` says what to do about them."""
