"""SQL, one file per aggregate; every function takes a connection or a Database."""
