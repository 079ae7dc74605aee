-- The one schema. Times are integer milliseconds UTC, money is TEXT (exact decimals), candles are
-- REAL (float64 keeps every digit the exchange sends). Applied at start, each statement idempotent.

-- Where all this happens. At any other venue our orders would look as if they were lost.
CREATE TABLE IF NOT EXISTS home (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    venue TEXT    NOT NULL                           -- VENUE=live MARKET_TYPE=spot
) STRICT;

CREATE TABLE IF NOT EXISTS symbols (
    id            INTEGER PRIMARY KEY,
    symbol        TEXT    NOT NULL UNIQUE,          -- BTC/USDT
    active        INTEGER NOT NULL CHECK (active IN (0, 1)),
    registered_at INTEGER NOT NULL
) STRICT;

-- Closed one-minute candles; a later download replaces an earlier one.
CREATE TABLE IF NOT EXISTS prices (
    symbol_id INTEGER NOT NULL REFERENCES symbols (id),
    open_time INTEGER NOT NULL CHECK (open_time % 60000 = 0),
    open      REAL    NOT NULL,
    high      REAL    NOT NULL,
    low       REAL    NOT NULL,
    close     REAL    NOT NULL,
    volume    REAL    NOT NULL,
    PRIMARY KEY (symbol_id, open_time)
) STRICT, WITHOUT ROWID;

-- Spans the venue itself has no candles for, confirmed by asking again.
CREATE TABLE IF NOT EXISTS venue_holes (
    symbol_id    INTEGER NOT NULL REFERENCES symbols (id),
    start_time   INTEGER NOT NULL,
    end_time     INTEGER NOT NULL CHECK (end_time > start_time),
    confirmed_at INTEGER NOT NULL,
    PRIMARY KEY (symbol_id, start_time)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS beats (
    id         INTEGER PRIMARY KEY,
    due        INTEGER NOT NULL,
    started    INTEGER NOT NULL,
    ended      INTEGER,                              -- NULL: cut short
    stored     INTEGER NOT NULL DEFAULT 0,           -- candles
    failed     INTEGER NOT NULL DEFAULT 0,           -- symbols
    error      TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS beats_due ON beats (due);

CREATE TABLE IF NOT EXISTS backfills (
    id         TEXT    PRIMARY KEY,
    symbol_id  INTEGER NOT NULL REFERENCES symbols (id),
    start_time INTEGER NOT NULL,
    end_time   INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed')),
    expected   INTEGER NOT NULL,
    stored     INTEGER NOT NULL DEFAULT 0,
    holes      INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- An order is written here, and committed, before it is sent.
CREATE TABLE IF NOT EXISTS orders (
    id                TEXT    PRIMARY KEY,           -- our UUID
    client_order_id   TEXT    NOT NULL UNIQUE,       -- ours, derived from the UUID
    venue_order_id    TEXT,
    idempotency_key   TEXT    UNIQUE,
    request_digest    TEXT    NOT NULL,              -- SHA-256 of the request, told apart under one key
    symbol            TEXT    NOT NULL,
    side              TEXT    NOT NULL,
    type              TEXT    NOT NULL,
    time_in_force     TEXT,
    quantity          TEXT,
    quote_quantity    TEXT,
    price             TEXT,
    stop_price        TEXT,
    trailing_delta    INTEGER,                       -- basis points
    iceberg_quantity  TEXT,
    reduce_only       INTEGER NOT NULL DEFAULT 0,    -- 1: closes what is there at most
    status            TEXT    NOT NULL,
    executed_quantity TEXT    NOT NULL,
    executed_quote    TEXT    NOT NULL,
    fees              TEXT    NOT NULL DEFAULT '{}', -- JSON: amounts by asset, added up over fills
    reject_code       INTEGER,
    reject_reason     TEXT,
    latency_ms        INTEGER,                       -- sent to acknowledged
    mid_price         TEXT,                          -- the book's middle when it was sent
    replaces          TEXT,                          -- the order whose place it took
    wanted_in_all     TEXT,                          -- what both are to execute together
    list_id           TEXT,                          -- the order list it is a leg of
    is_foreign        INTEGER NOT NULL DEFAULT 0,    -- 1: somebody else's, only watched
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status);
CREATE INDEX IF NOT EXISTS orders_by_symbol ON orders (symbol, created_at);

-- Every step of every order, and every report that was impossible; rows are only ever added.
CREATE TABLE IF NOT EXISTS order_transitions (
    id                INTEGER PRIMARY KEY,           -- 1, 2, 3 ... without a hole
    order_id          TEXT    NOT NULL REFERENCES orders (id),
    from_status       TEXT,
    to_status         TEXT    NOT NULL,
    booked            INTEGER NOT NULL DEFAULT 1,    -- 0: impossible, and only kept here
    source            TEXT    NOT NULL,              -- desk, answer, stream, lookup, reconciler
    reason            TEXT,
    venue_time        INTEGER,
    at                INTEGER NOT NULL,              -- our clock
    executed_quantity TEXT    NOT NULL DEFAULT '',   -- totals; '' in rows of before they were kept
    executed_quote    TEXT    NOT NULL DEFAULT '',
    contents          TEXT    NOT NULL DEFAULT '',   -- SHA-256 over the order and its fills; '' before
    hash              TEXT    NOT NULL DEFAULT ''    -- SHA-256 over the row before and this one
) STRICT;
CREATE INDEX IF NOT EXISTS transitions_by_order ON order_transitions (order_id);
CREATE TRIGGER IF NOT EXISTS steps_never_change BEFORE UPDATE ON order_transitions BEGIN
    SELECT RAISE (ABORT, 'order_transitions is only ever added to');
END;
CREATE TRIGGER IF NOT EXISTS steps_never_vanish BEFORE DELETE ON order_transitions BEGIN
    SELECT RAISE (ABORT, 'order_transitions is only ever added to');
END;

-- Where the chain ends, so that rows missing at its end are noticed.
CREATE TABLE IF NOT EXISTS transition_head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL,
    hash  TEXT    NOT NULL
) STRICT;
INSERT OR IGNORE INTO transition_head VALUES (1, 0, '');
CREATE TRIGGER IF NOT EXISTS head_only_advances BEFORE UPDATE ON transition_head
WHEN NEW.count <= OLD.count BEGIN
    SELECT RAISE (ABORT, 'the record of steps never gets shorter');
END;
CREATE TRIGGER IF NOT EXISTS head_never_vanishes BEFORE DELETE ON transition_head BEGIN
    SELECT RAISE (ABORT, 'the record of steps never gets shorter');
END;

CREATE TABLE IF NOT EXISTS fills (
    symbol         TEXT    NOT NULL,
    trade_id       TEXT    NOT NULL,
    order_id       TEXT    NOT NULL REFERENCES orders (id),
    side           TEXT    NOT NULL,
    price          TEXT    NOT NULL,
    quantity       TEXT    NOT NULL,
    quote_quantity TEXT    NOT NULL,
    fee            TEXT    NOT NULL,
    fee_asset      TEXT    NOT NULL,
    maker          INTEGER,                          -- NULL: the answer did not say
    time           INTEGER NOT NULL,
    PRIMARY KEY (symbol, trade_id, order_id)         -- a venue that was wiped numbers anew
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fills_by_order ON fills (order_id);

-- Orders whose fills add up to less than what was executed; kept with each report, since finding
-- them would mean adding up the fills of a whole day.
CREATE TABLE IF NOT EXISTS orders_short_of_fills (
    order_id TEXT PRIMARY KEY REFERENCES orders (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS orders_by_time ON orders (created_at);

-- Requests that our own rules refused; nothing of them was sent.
CREATE TABLE IF NOT EXISTS refusals (
    id             INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    symbol         TEXT    NOT NULL,
    side           TEXT    NOT NULL,
    type           TEXT    NOT NULL,
    quantity       TEXT,
    quote_quantity TEXT,
    price          TEXT,
    stop_price     TEXT,
    check_name     TEXT    NOT NULL,                 -- which rule said no
    reason         TEXT    NOT NULL,
    figures        TEXT    NOT NULL                  -- a JSON object of texts
) STRICT;

-- Who paused, resumed, killed and armed, why and when; the last row is how things stand.
CREATE TABLE IF NOT EXISTS control_log (
    id      INTEGER PRIMARY KEY,
    state   TEXT    NOT NULL CHECK (state IN ('RUNNING', 'PAUSED', 'KILLED')),
    flatten INTEGER NOT NULL CHECK (flatten IN (0, 1)),
    reason  TEXT    NOT NULL,
    who     TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- The peak that the drawdown is counted from; stopped_at is set while it stops trading.
CREATE TABLE IF NOT EXISTS drawdown (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    peak       TEXT    NOT NULL,
    stopped_at INTEGER
) STRICT;

-- What the account was worth; older marks are thinned out. Peak and day's start are carried along.
CREATE TABLE IF NOT EXISTS equity (
    quote     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    total     TEXT    NOT NULL,
    day_start TEXT    NOT NULL,                      -- the first total of the UTC day
    peak      TEXT    NOT NULL,                      -- the highest total so far
    unvalued  TEXT    NOT NULL,                      -- assets without a price, with spaces
    PRIMARY KEY (quote, at)
) STRICT, WITHOUT ROWID;

-- Fills in the order in which they were booked, which is not that of their times: what was booked
-- after a check of the balances is what the next check has to find in them.
CREATE TABLE IF NOT EXISTS booked_fills (
    number   INTEGER PRIMARY KEY,
    symbol   TEXT NOT NULL,
    trade_id TEXT NOT NULL,
    order_id TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS fills_are_numbered AFTER INSERT ON fills BEGIN
    INSERT INTO booked_fills (symbol, trade_id, order_id)
    VALUES (NEW.symbol, NEW.trade_id, NEW.order_id);
END;

-- The venue's word on what the account holds; a row an asset each time it changed.
CREATE TABLE IF NOT EXISTS balance_snapshots (
    id     INTEGER PRIMARY KEY,
    asset  TEXT    NOT NULL,
    free   TEXT    NOT NULL,
    locked TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    source TEXT    NOT NULL                           -- reconciler, stream
) STRICT;
CREATE INDEX IF NOT EXISTS snapshots_by_asset ON balance_snapshots (asset, id);

-- All balances at moments when the fills booked up to `fills` were those behind them.
CREATE TABLE IF NOT EXISTS balance_checks (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    fills    INTEGER NOT NULL,                        -- number in booked_fills
    balances TEXT    NOT NULL                         -- JSON: [asset, free, locked], ...
) STRICT;

CREATE TABLE IF NOT EXISTS reconciliations (
    id                INTEGER PRIMARY KEY,
    started           INTEGER NOT NULL,
    ended             INTEGER NOT NULL,
    asked             INTEGER NOT NULL,
    booked            INTEGER NOT NULL,
    adopted           INTEGER NOT NULL,
    unknown_left      INTEGER NOT NULL,
    fills             INTEGER NOT NULL,
    balances_compared INTEGER NOT NULL CHECK (balances_compared IN (0, 1)),
    differences       TEXT    NOT NULL                -- JSON: [asset, expected, actual, time], ...
) STRICT;

-- What guards a position. Written before each step that is taken for it.
CREATE TABLE IF NOT EXISTS stops (
    id            TEXT    PRIMARY KEY,               -- our UUID
    symbol        TEXT    NOT NULL,
    side          TEXT    NOT NULL,                  -- of the order that closes the position
    kind          TEXT    NOT NULL CHECK (kind IN ('fixed', 'trailing', 'time')),
    kept_by       TEXT    NOT NULL CHECK (kept_by IN ('venue', 'system')),
    status        TEXT    NOT NULL,
    quantity      TEXT,                              -- NULL: the whole position
    trigger_price TEXT,
    distance_bps  INTEGER,
    deadline      INTEGER,
    venue_type    TEXT,
    limit_price   TEXT,
    best          TEXT,
    attempt       INTEGER NOT NULL,
    ordered       TEXT,                              -- the quantity of order number `attempt`
    order_id      TEXT,
    closed        TEXT    NOT NULL,
    reason        TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS stops_by_status ON stops (status);

-- Orders that hang together; the orders themselves carry the list's id. Written with them, before
-- anything is sent.
CREATE TABLE IF NOT EXISTS order_lists (
    id             TEXT    PRIMARY KEY,              -- our UUID
    client_list_id TEXT    NOT NULL UNIQUE,          -- ours, derived from the UUID
    kind           TEXT    NOT NULL CHECK (kind IN ('OCO', 'OTO', 'OTOCO')),
    created_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_list ON orders (list_id) WHERE list_id IS NOT NULL;

-- What somebody gave a strategy to trade with. The position and the profit are in the fills of its
-- orders, which are those under keys that begin with strategy:<id>: and those of its stops.
CREATE TABLE IF NOT EXISTS mandates (
    id         TEXT    PRIMARY KEY,                  -- our UUID
    strategy   TEXT    NOT NULL,
    symbols    TEXT    NOT NULL,                     -- JSON: BTC/USDT, ...
    timeframe  TEXT    NOT NULL,
    parameters TEXT    NOT NULL,                     -- JSON: texts by name
    capital    TEXT    NOT NULL,
    size_kind  TEXT    NOT NULL,
    size       TEXT    NOT NULL,
    stop_kind  TEXT,
    stop       TEXT,                                 -- percent
    state      TEXT    NOT NULL,
    begins     INTEGER,                              -- the first bar that is decided
    started    INTEGER,                              -- the last start
    kills      INTEGER NOT NULL DEFAULT 0,           -- rows KILLED in control_log at the last start
    warmup     INTEGER NOT NULL,
    reason     TEXT,
    flatten    INTEGER NOT NULL CHECK (flatten IN (0, 1)),
    waiting    TEXT    NOT NULL,                     -- JSON: what each symbol's next bar waits for
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- What a mandate was sized and guarded by up to a change of that, and with that moment.
CREATE TABLE IF NOT EXISTS mandate_terms (
    id         INTEGER PRIMARY KEY,
    mandate_id TEXT    NOT NULL REFERENCES mandates (id),
    until      INTEGER NOT NULL,
    capital    TEXT    NOT NULL,
    size_kind  TEXT    NOT NULL,
    size       TEXT    NOT NULL,
    stop_kind  TEXT,
    stop       TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS terms_by_mandate ON mandate_terms (mandate_id);
CREATE TRIGGER IF NOT EXISTS terms_are_kept AFTER UPDATE ON mandates
WHEN (OLD.capital, OLD.size_kind, OLD.size, OLD.stop_kind, OLD.stop)
IS NOT (NEW.capital, NEW.size_kind, NEW.size, NEW.stop_kind, NEW.stop) BEGIN
    INSERT INTO mandate_terms (mandate_id, until, capital, size_kind, size, stop_kind, stop)
    VALUES (OLD.id, NEW.updated_at, OLD.capital, OLD.size_kind, OLD.size, OLD.stop_kind, OLD.stop);
END;

-- One decision a bar, written before it is acted on, with the bar as it was seen then.
CREATE TABLE IF NOT EXISTS decisions (
    mandate_id TEXT    NOT NULL REFERENCES mandates (id),
    symbol     TEXT    NOT NULL,
    open_time  INTEGER NOT NULL,
    open       REAL    NOT NULL,
    high       REAL    NOT NULL,
    low        REAL    NOT NULL,
    close      REAL    NOT NULL,
    volume     REAL    NOT NULL,
    target     REAL,                                 -- NULL: warming up
    lines      TEXT    NOT NULL,                     -- JSON: indicators by name
    outcome    TEXT    NOT NULL,
    reason     TEXT,
    order_id   TEXT,
    at         INTEGER NOT NULL,
    PRIMARY KEY (mandate_id, symbol, open_time)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS decisions_by_time ON decisions (open_time);
CREATE INDEX IF NOT EXISTS decisions_acted ON decisions (mandate_id, symbol, outcome, open_time)
    WHERE outcome IN ('pending', 'ordered', 'fitted');

-- Which stop guards what a mandate holds; written before the stop itself.
CREATE TABLE IF NOT EXISTS mandate_stops (
    id         INTEGER PRIMARY KEY,
    mandate_id TEXT    NOT NULL REFERENCES mandates (id),
    symbol     TEXT    NOT NULL,
    stop_id    TEXT    NOT NULL UNIQUE
) STRICT;

-- How far the cells of a grid have come by orders that have ended.
CREATE TABLE IF NOT EXISTS mandate_grids (
    mandate_id TEXT NOT NULL REFERENCES mandates (id),
    symbol     TEXT NOT NULL,
    record     TEXT NOT NULL,                        -- JSON
    PRIMARY KEY (mandate_id, symbol)
) STRICT, WITHOUT ROWID;
