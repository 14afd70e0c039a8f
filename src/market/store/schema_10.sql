-- How dealings with a peer went, as JSON (PeerConduct), and whether it is kept before strangers for that.
ALTER TABLE peers ADD COLUMN conduct TEXT NOT NULL DEFAULT '{}';
ALTER TABLE peers ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
