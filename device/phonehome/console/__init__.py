"""What a person or a program at the console can ask; loaded for a line, and dropped behind it."""
