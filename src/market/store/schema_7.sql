-- The last good copy of each central index. The file is p2p-cache/central/<sha256>.json.
CREATE TABLE central_copies (
    location      TEXT    PRIMARY KEY,
    sha256        BLOB    NOT NULL,
    size          INTEGER NOT NULL,
    -- What the server gave to ask with whether it has changed; empty: nothing.
    etag          TEXT    NOT NULL,
    last_modified TEXT    NOT NULL,
    -- When the copy came, and when it was last known to be what the server has.
    fetched_at    INTEGER NOT NULL,
    checked_at    INTEGER NOT NULL
) STRICT;
