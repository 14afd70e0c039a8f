-- How the full-text index merges its segments: less often, which makes taking releases in a quarter faster and a search an eighth slower.
-- Every newer version of a package leaves a row that is gone; so many per cent of them make a segment be merged again (10 by default).
INSERT INTO search_words (search_words, rank) VALUES ('deletemerge', 40);
-- Segments of one level that are merged at once (4 by default), and bytes gathered in memory before there is a new one (1 MiB).
INSERT INTO search_words (search_words, rank) VALUES ('automerge', 8);
INSERT INTO search_words (search_words, rank) VALUES ('hashsize', 4194304);
