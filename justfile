# `just` lists the recipes. Nothing here is needed to use or test the system: see README.md.
set shell := ["bash", "-euo", "pipefail", "-c"]

_default:
    @just --list

# Everything CI checks
ci:
    .ci/run

# The tests, fast ones only, on both cores
test *ARGS:
    uv run pytest {{ ARGS }}

# The tests that take longer
slow:
    uv run pytest -m slow

# Kill the program at every step of an order's way and compare the ledgers: --kills 1000
crash *ARGS:
    uv run python -m proofs.crash {{ ARGS }}

# Write the examples of README and docs anew: their figures, run ids and picture
example:
    uv run python -m proofs.example --write --picture

# Change the code of order states and risk checks a little, again and again: do the tests notice?
mutate:
    bash proofs/mutate.sh

# Format, lint, types, import order
check:
    uv run ruff format .
    uv run ruff check .
    uv run mypy
    uv run lint-imports

# One benchmark, as one JSON line; without a name: what there is
bench NAME="" *ARGS:
    uv run python -m benchmarks {{ NAME }} {{ ARGS }}

# Take the newest versions, pin them in pyproject.toml and export requirements.txt
lock:
    uv run --no-project --python 3.11 .ci/pins.py unpin
    uv lock --upgrade
    uv run --no-project --python 3.11 .ci/pins.py pin
    uv lock
    uv run --no-project --python 3.11 .ci/pins.py export

# Fail when pyproject.toml, requirements.txt and the resolved tree have drifted apart
pins:
    uv run --no-project --python 3.11 .ci/pins.py check
