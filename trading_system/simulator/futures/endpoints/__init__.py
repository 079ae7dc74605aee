"""What each futures endpoint does with a request; `table` lists them all."""
