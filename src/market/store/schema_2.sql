-- Package heads and statements about keys.

-- The best head of each package; `conflict` when its publisher signed two that contradict each other.
CREATE TABLE heads (
    publisher  BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    sequence   INTEGER NOT NULL,
    signed_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    conflict   INTEGER NOT NULL DEFAULT 0,
    envelope   BLOB    NOT NULL,
    PRIMARY KEY (publisher, name)
) STRICT, WITHOUT ROWID;

-- Rotations (kind 1) and revocations (kind 2); a few for each key. `successor` is empty where none is named.
CREATE TABLE key_statements (
    id         BLOB    PRIMARY KEY,
    key        BLOB    NOT NULL,
    kind       INTEGER NOT NULL,
    successor  BLOB    NOT NULL,
    signed_at  INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    envelope   BLOB    NOT NULL,
    UNIQUE (key, kind, successor)
) STRICT;
