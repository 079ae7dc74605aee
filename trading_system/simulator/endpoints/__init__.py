"""What each endpoint does with a request; `table` lists them all, nothing here knows HTTP."""
