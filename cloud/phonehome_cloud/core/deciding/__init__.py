"""What to do about a ticket: hard rules first, expected cost among what they leave."""
