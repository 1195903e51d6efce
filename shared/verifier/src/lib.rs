//! Checks what an order history gives out, offline: with the files and the log's public key, and nothing of ours but
//! the format (docs/LEDGER.md).
