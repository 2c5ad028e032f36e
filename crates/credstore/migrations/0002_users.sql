-- One line a user who may authenticate. `version` is the store's version at the last change of the line.
CREATE TABLE smtp_user (
    name       TEXT    NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    mac        BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
