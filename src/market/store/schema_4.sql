-- When a blob was last given away, installed from or stored (Unix seconds): what the quota lets go first.
ALTER TABLE blobs ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
