"""Four runs that somebody takes a trading system over with: orders, changes, a cut, streams."""
