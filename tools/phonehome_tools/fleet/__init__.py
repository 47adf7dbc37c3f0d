"""Virtual appliances: their folders, their boards, their receiver and the desk they use."""
