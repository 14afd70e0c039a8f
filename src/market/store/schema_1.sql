-- Verified releases. `envelope` is the truth; the other columns are taken from it to search and sort by.
CREATE TABLE releases (
    key          INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    publisher    BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    sequence     INTEGER NOT NULL,
    yank         INTEGER NOT NULL,
    package_id   BLOB    NOT NULL,
    published_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    first_seen   INTEGER NOT NULL,
    envelope     BLOB    NOT NULL,
    UNIQUE (publisher, name, sequence)
) STRICT;
CREATE INDEX releases_by_version ON releases (name, publisher, version);
CREATE INDEX releases_by_time ON releases (published_at, id);
CREATE INDEX releases_by_expiry ON releases (expires_at);
CREATE INDEX releases_by_package ON releases (package_id);

-- One row for each (publisher, name): its newest release that is not withdrawn, null when all are.
CREATE TABLE packages (
    key       INTEGER PRIMARY KEY,
    publisher BLOB    NOT NULL,
    name      TEXT    NOT NULL,
    newest    INTEGER REFERENCES releases (key),
    UNIQUE (name, publisher)
) STRICT;
CREATE INDEX packages_by_newest ON packages (newest);

-- Words of the newest release; rowid is packages.key.
CREATE VIRTUAL TABLE package_text USING fts5 (
    name, description, tags, keywords, category,
    content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 separators '-_.'"
);

-- Complete files in the blob folder. `leaves` are the leaf hashes, 32 bytes each.
CREATE TABLE blobs (
    package_id BLOB    PRIMARY KEY,
    size       INTEGER NOT NULL,
    leaves     BLOB    NOT NULL
) STRICT;

CREATE TABLE installs (
    name         TEXT    PRIMARY KEY,
    version      TEXT    NOT NULL,
    publisher    BLOB    NOT NULL,
    package_id   BLOB    NOT NULL,
    installed_at INTEGER NOT NULL,
    files        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL
) STRICT;

-- The key that a name was first installed from. Outlives the install.
CREATE TABLE pins (
    name      TEXT PRIMARY KEY,
    publisher BLOB NOT NULL
) STRICT;

CREATE TABLE peers (
    peer_id      TEXT    PRIMARY KEY,
    addrs        TEXT    NOT NULL,
    agent        TEXT    NOT NULL,
    successes    INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    banned_until INTEGER NOT NULL,
    ban_reason   TEXT    NOT NULL
) STRICT;
