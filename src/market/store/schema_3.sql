-- Searching: what filters, sorts and counts without reading envelopes. All of it can be made anew from `releases`.
DROP TABLE package_text;

-- Values that can be filtered by and counted: publishers, categories, licences, tags (see labels.rs for `kind`).
-- `value` is folded, `shown` as its first user wrote it.
CREATE TABLE search_labels (
    id    INTEGER PRIMARY KEY,
    kind  INTEGER NOT NULL,
    value TEXT    NOT NULL,
    shown TEXT    NOT NULL,
    UNIQUE (kind, value)
) STRICT;
-- Publishers are shown by the end of their key.
CREATE INDEX search_labels_by_end ON search_labels (substr(value, -8)) WHERE kind = 1;

-- One row for each package: its newest release that is not withdrawn, or the newest withdrawn one where all are.
-- A package gets a new row, with the highest key, with each new newest release: later keys came later.
CREATE TABLE search_docs (
    key          INTEGER PRIMARY KEY,
    package      INTEGER NOT NULL,
    release      INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    yanked       INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    labels       BLOB    NOT NULL,
    words        TEXT    NOT NULL
) STRICT;
CREATE INDEX search_docs_by_time ON search_docs (published_at);
ALTER TABLE packages ADD COLUMN doc INTEGER;

-- Which rows have which word; rowid is search_docs.key. The words come folded and cut, so the tokenizer is the simplest.
CREATE VIRTUAL TABLE search_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, prefix = '1 2 3 4', tokenize = "ascii tokenchars '='"
);
