"""What leaves the receiver: letters, webhooks, and when each may go."""
