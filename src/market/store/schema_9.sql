-- Releases name their package by its number: what they are found by is short, and those of one package lie together. Ids, which
-- are spread evenly, are indexed by their beginnings; whoever looks one up compares the whole.
INSERT INTO packages (publisher, name) SELECT DISTINCT r.publisher, r.name FROM releases r
    WHERE NOT EXISTS (SELECT 1 FROM packages p WHERE p.name = r.name AND p.publisher = r.publisher);

CREATE TABLE numbered_releases (
    key          INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL,
    package      INTEGER NOT NULL,
    version      TEXT    NOT NULL,
    sequence     INTEGER NOT NULL,
    yank         INTEGER NOT NULL,
    package_id   BLOB    NOT NULL,
    published_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    retired      INTEGER NOT NULL DEFAULT 0,
    first_seen   INTEGER NOT NULL,
    envelope     BLOB    NOT NULL
) STRICT;
INSERT INTO numbered_releases
    SELECT r.key, r.id, p.key, r.version, r.sequence, r.yank, r.package_id, r.published_at, r.expires_at, r.retired,
           r.first_seen, r.envelope
    FROM releases r JOIN packages p ON p.name = r.name AND p.publisher = r.publisher ORDER BY r.key;
DROP TABLE releases;
ALTER TABLE numbered_releases RENAME TO releases;
CREATE UNIQUE INDEX releases_by_sequence ON releases (package, sequence);
CREATE INDEX releases_by_version ON releases (package, version);
CREATE INDEX releases_by_id ON releases (substr(id, 1, 8));
CREATE INDEX releases_by_bytes ON releases (substr(package_id, 1, 8));
CREATE INDEX releases_by_time ON releases (published_at, id) WHERE retired = 0;
CREATE INDEX releases_by_expiry ON releases (expires_at);

-- A release knows its package, so nobody asks which package has a release for its newest.
DROP INDEX packages_by_newest;
CREATE INDEX packages_by_publisher ON packages (substr(publisher, 1, 8));

-- How many there are, so that nobody has to count them. One row.
CREATE TABLE totals (
    key      INTEGER PRIMARY KEY,
    releases INTEGER NOT NULL,
    packages INTEGER NOT NULL
) STRICT;
INSERT INTO totals SELECT 1, (SELECT count(*) FROM releases), (SELECT count(*) FROM packages);
