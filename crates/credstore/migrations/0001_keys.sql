-- One line: what the store is, and the manifest of its rows, under one MAC.
CREATE TABLE store (
    id              INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    store_id        BLOB    NOT NULL,
    nek_fingerprint BLOB    NOT NULL,
    version         INTEGER NOT NULL,
    manifest        BLOB    NOT NULL,
    mac             BLOB    NOT NULL
) STRICT;

-- One line a key. `version` is the store's version at the last change of the line, `generation` the one at its birth.
CREATE TABLE dkim_key (
    domain     TEXT    NOT NULL,
    selector   TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    algorithm  TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    record     TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    mac        BLOB    NOT NULL,
    PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;
