"""The documented backtests: whether their figures and run ids are still what the code gives.

`python -m proofs.example` checks, `--write` writes them anew, `--picture` also draws the picture
(with chromium). A block in a document begins with `<!-- example: WORDS -->`, where the words are
those after `trading-system backtest`, and ends with `<!-- end -->`. Needs the recorded candles.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = (ROOT / "docs/backtests.md", ROOT / "README.md")
PICTURE, PICTURED = ROOT / "docs/images/backtest.png", "ETH/USDT"
CANDLES = ROOT.parent / "shared/data/candles"

_BLOCK = re.compile(r"(<!-- example: (?P<words>[^>]*) -->\n).*?(<!-- end -->)", re.DOTALL)
_COLUMNS = "100"


def main() -> None:
    """Check or write; exit code 1 when a document says something else than the code."""
    if not CANDLES.exists():
        sys.exit(f"no recorded candles in {CANDLES}")
    writing = "--write" in sys.argv
    stale = [path for path in DOCUMENTS if refresh(path, write=writing)]
    if "--picture" in sys.argv:
        draw()
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'written' if writing else 'not what the code gives'}")
    if stale and not writing:
        sys.exit("python -m proofs.example --write")


def refresh(path: Path, *, write: bool) -> bool:
    """Whether a document's blocks are not what the code gives now; written anew if wanted."""
    before = path.read_text("utf-8")
    after = _BLOCK.sub(lambda block: block[1] + shown(block["words"]) + block[3], before)
    if write and after != before:
        path.write_text(after, "utf-8")
    return after != before


def shown(words: str) -> str:
    """The table that these words print, as a block of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        lines = played(words, Path(folder), "--no-report").splitlines()
    table = "\n".join(line.rstrip() for line in lines[:-1])  # the last one names the file
    return f"```text\n{table}\n```\n"


def played(words: str, folder: Path, *more: str) -> str:
    """What a backtest prints; its files go into the folder."""
    done = subprocess.run(
        [sys.executable, "-m", "trading_system", "backtest", *shlex.split(words), *more],
        cwd=ROOT,
        env=os.environ | {"RESULTS_DIR": str(folder), "COLUMNS": _COLUMNS},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def draw() -> None:
    """Photograph the page of the example that is pictured, in the light."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("the picture needs chromium")
    documented = "".join(path.read_text("utf-8") for path in DOCUMENTS)
    words = next(each["words"] for each in _BLOCK.finditer(documented) if PICTURED in each["words"])
    with tempfile.TemporaryDirectory() as folder:
        played(words, Path(folder))
        (page,) = Path(folder).glob("*.html")
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        size = ("--window-size=1180,1084", "--hide-scrollbars", "--virtual-time-budget=8000")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", *size]
        subprocess.run(
            [*command, f"--screenshot={PICTURE}", page.as_uri()],
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )


if __name__ == "__main__":
    main()
