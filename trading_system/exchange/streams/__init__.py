"""Connections that the venue pushes over, under our supervision."""
