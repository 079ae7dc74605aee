"""`python -m trading_system` and the `trading-system` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C never leaves a traceback."""
    from trading_system.cli import app  # noqa: PLC0415 -- importing the package stays cheap

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
