-- Who may connect. What a row says is the gateway's own JSON; tokens are in it as hashes only.

CREATE TABLE devices (
    kind INTEGER NOT NULL,                      -- enum device_row: paired device, pairing request, spent one-time token
    id   TEXT NOT NULL,                         -- device id, request id, hash of the token
    json TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
