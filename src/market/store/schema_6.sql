-- Installs: why each is there, what it was taken from, what it needs, and which files were put in place.
-- `publisher` is empty where nobody signed it.

-- 'asked': by the user; 'needed': by another package.
ALTER TABLE installs ADD COLUMN reason TEXT NOT NULL DEFAULT 'asked';
-- The versions that were asked for; empty: any.
ALTER TABLE installs ADD COLUMN requirement TEXT NOT NULL DEFAULT '';
-- Empty: from peers; else the location of the central index that listed it.
ALTER TABLE installs ADD COLUMN source TEXT NOT NULL DEFAULT '';
-- JSON: [{name, requirement, publisher}].
ALTER TABLE installs ADD COLUMN dependencies TEXT NOT NULL DEFAULT '[]';
-- The digest of its rows in installed_files, so that damage to them is not taken for damage to the files. Empty: it was
-- installed before these were kept.
ALTER TABLE installs ADD COLUMN inventory BLOB NOT NULL DEFAULT x'';

-- Installs whose files are being put in place. Written before that, and turned into rows of `installs` after it.
CREATE TABLE install_intents (
    name         TEXT    PRIMARY KEY,
    version      TEXT    NOT NULL,
    publisher    BLOB    NOT NULL,
    package_id   BLOB    NOT NULL,
    installed_at INTEGER NOT NULL,
    files        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    requirement  TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    dependencies TEXT    NOT NULL,
    inventory    BLOB    NOT NULL
) STRICT;

-- Installs whose files are being taken away.
CREATE TABLE removal_intents (
    name TEXT PRIMARY KEY
) STRICT;

-- What was put in place, or with `pending`, is being put in place: for each file of the package its path below
-- packs/<name>/; an empty path is the description packs/<name>.toml.
CREATE TABLE installed_files (
    name    TEXT    NOT NULL,
    pending INTEGER NOT NULL,
    path    TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    sha256  BLOB    NOT NULL,
    mode    INTEGER NOT NULL,
    PRIMARY KEY (name, pending, path)
) STRICT, WITHOUT ROWID;
