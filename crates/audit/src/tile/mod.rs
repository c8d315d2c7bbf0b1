//! Files of C2SP tlog-tiles: where they lie and what is in them.

/// Hashes in a full tile, entries in a full bundle.
pub(crate) const TILE_WIDTH: usize = 256;
