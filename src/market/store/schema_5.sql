-- Trust: since when and why a key is pinned, and names by how they look.
ALTER TABLE pins ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
-- 'installed': by the first install; 'accepted': by the user's word; 'rotated': the key before it signed it over.
ALTER TABLE pins ADD COLUMN origin TEXT NOT NULL DEFAULT 'installed';
UPDATE pins SET since = coalesce((SELECT i.installed_at FROM installs i WHERE i.name = pins.name), 0);

-- What a name looks like at a glance; `market::trust::names::fold` is the same in Rust, and a test holds them together.
ALTER TABLE packages ADD COLUMN fold TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(replace(replace(
        name, '-', ''), '_', ''), '.', ''), '0', 'o'), '1', 'l'), 'i', 'l'), 'm', 'rn'), 'vv', 'w')
) VIRTUAL;
CREATE INDEX packages_by_fold ON packages (fold);
