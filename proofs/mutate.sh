#!/usr/bin/env bash
# Changes order states and risk checks a little, one place at a time, and counts who notices.
# Works on a copy, since the tool writes beside what it changes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git -C "$root" ls-files -z | (cd "$root" && xargs -0 cp --parents -t "$copy")
cd "$copy"
sed -i '/"-n", "auto"/d' pyproject.toml # one test run at a time is what it forks
cat > setup.cfg <<'CONFIG'
[mutmut]
source_paths=
    trading_system/risk/permissions.py
    trading_system/risk/bounds.py
    trading_system/risk/capital.py
    trading_system/risk/refusals.py
    trading_system/domain/orders.py
also_copy=
    trading_system
    tests
    schema.sql
pytest_add_cli_args_test_selection=
    tests/risk
    tests/domain/test_orders.py
pytest_add_cli_args=
    -p
    no:cacheprovider
    --deselect
    tests/risk/test_checks.py::test_every_rule_is_asked
CONFIG
mutmut() { uv run --quiet --with "mutmut==3.*" mutmut "$@"; }
mutmut run --max-children "$(nproc)" "$@" || true # names with * stand for some of the changes
results=$(mutmut results --all true)
survivors=$(sed -n 's/^ *\(.*\): survived$/\1/p' <<< "$results")
for survivor in $survivors; do
    mutmut show "$survivor"
done
killed=$(grep -c ': killed$' <<< "$results" || true)
tried=$(grep -vc ': not checked$' <<< "$results" || true)
echo "$killed of $tried changes were noticed"
