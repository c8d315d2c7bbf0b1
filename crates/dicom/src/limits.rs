//! Bounds of the reader (promise I10). Every bound has a unit and a reason; none can be switched off.

/// The bounds within which one data set is read. [`Limits::default`] is right for storage; command sets and
/// queries are read within the tighter [`Limits::message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of sequences. Report content trees of real equipment stay below 12.
    pub depth_max: usize,
    /// Most data elements and items in one data set. An enhanced CT with 10,000 frames has about 600,000.
    /// An element costs at most 56 bytes of memory beside its value.
    pub elements_max: usize,
    /// Longest value kept in memory, bytes. What is longer is remembered by its place only.
    pub value_bytes_max: usize,
    /// Most bytes of values kept in memory in all. Later values are remembered by their place only, so a
    /// long data set is still stored and addressed.
    pub kept_bytes_max: usize,
    /// Most fragments of encapsulated pixel data, 4 bytes of memory each. A whole-slide image has up to
    /// about a million tiles.
    pub fragments_max: usize,
    /// Longest Basic Offset Table, bytes: four per frame.
    pub offset_table_bytes_max: usize,
    /// Most bytes that one byte of a deflated data set may become. Deflate itself cannot exceed 1,032;
    /// real data sets stay below 100 and empty images reach a few hundred.
    pub inflate_ratio_max: u64,
    /// Most bytes that a deflated data set may become.
    pub inflated_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 32,
            elements_max: 1_000_000,
            value_bytes_max: 64 << 10,
            kept_bytes_max: 16 << 20,
            fragments_max: 4 << 20,
            offset_table_bytes_max: 16 << 20,
            inflate_ratio_max: 500,
            inflated_bytes_max: 4 << 30,
        }
    }
}

impl Limits {
    /// Bounds for command sets and query identifiers, which hold a few dozen short values.
    #[must_use]
    pub fn message() -> Self {
        Self {
            depth_max: 8,
            elements_max: 2_000,
            value_bytes_max: 64 << 10,
            kept_bytes_max: 1 << 20,
            fragments_max: 0,
            offset_table_bytes_max: 0,
            inflate_ratio_max: 100,
            inflated_bytes_max: 1 << 20,
        }
    }
}
