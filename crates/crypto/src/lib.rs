//! Bytes in, sealed bytes out: sealed-object format, key wrap, signatures, tokens, digests.
