"""Virtual appliances: their directories, their boards, their receiver and the desk they talk to."""
