-- The newest job under each unique key.
CREATE TABLE uniques (
    key    TEXT    PRIMARY KEY,
    number INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX uniques_number ON uniques (number);
