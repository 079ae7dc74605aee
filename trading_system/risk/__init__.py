"""May this be traded, and how much? Pure: no I/O, no clock, no venue."""
