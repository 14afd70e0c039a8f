-- Releases that a node which knows the statements of their key would not take: they are not passed on.
ALTER TABLE releases ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
UPDATE releases SET retired = 1 WHERE EXISTS
    (SELECT 1 FROM key_statements k WHERE k.key = releases.publisher
     AND (k.kind = 2 OR (k.signed_at < releases.published_at AND releases.yank = 0)));

-- What takes part in catalogue sync, in its order.
DROP INDEX releases_by_time;
CREATE INDEX releases_by_time ON releases (published_at, id) WHERE retired = 0;
CREATE INDEX key_statements_by_time ON key_statements (signed_at, id);
