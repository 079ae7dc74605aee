-- The one schema. Times are integer milliseconds UTC, money is TEXT (exact decimals), candles are
-- REAL (float64 keeps every digit the exchange sends). Applied at start, each statement idempotent.

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
    status            TEXT    NOT NULL,
    executed_quantity TEXT    NOT NULL,
    executed_quote    TEXT    NOT NULL,
    reject_code       INTEGER,
    reject_reason     TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status);
CREATE INDEX IF NOT EXISTS orders_by_symbol ON orders (symbol, created_at);

CREATE TABLE IF NOT EXISTS order_transitions (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT    NOT NULL REFERENCES orders (id),
    from_status TEXT,
    to_status   TEXT    NOT NULL,
    source      TEXT    NOT NULL,                    -- desk, answer, lookup, reconciler
    reason      TEXT,
    venue_time  INTEGER,
    at          INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS transitions_by_order ON order_transitions (order_id);

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
