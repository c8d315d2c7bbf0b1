//! Compacting an object while it streams by, in constant memory.

use super::block::{PixelFormat, encode_block};
use super::table::CompactTable;

/// Plain bytes that a block has, about: small frames are gathered, large ones divided. A block of this size fits
/// into the second-level cache and is packed in a seventh of a millisecond, so packing keeps step with the
/// network; blocks of a frame can be unpacked by several processors; and zstd, which codes literals in pieces of
/// this length anyway, loses nothing.
const BLOCK_TARGET_BYTES: u64 = 128 << 10;

/// Divided frames are cut at multiples of this many bytes, so that no sample is cut.
const CUT_BYTES: u64 = 4;

/// What is to be compacted: known as soon as the scanner has read the pixel data header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactPlan {
    /// How samples lie in the pixel bytes.
    pub format: PixelFormat,
    /// Bytes of the data set before the pixels, headers included.
    pub prefix_bytes: u64,
    /// Bytes of the pixel data value.
    pub pixel_bytes: u64,
    /// Bytes of one frame.
    pub frame_bytes: u64,
}

/// Takes the plain object piece by piece and gives the stored one.
#[derive(Debug)]
pub struct CompactWriter {
    plan: CompactPlan,
    table: CompactTable,
    /// Plain bytes taken so far.
    taken: u64,
    /// The beginning of the block at hand.
    block: Vec<u8>,
}

impl CompactPlan {
    /// Plain bytes per block: a whole number of small frames, or an even share of a large one.
    fn block_bytes(&self) -> u32 {
        let bytes = match self.frame_bytes {
            0 => BLOCK_TARGET_BYTES,
            frame if frame <= BLOCK_TARGET_BYTES => frame * (BLOCK_TARGET_BYTES / frame),
            frame => frame.div_ceil(frame.div_ceil(BLOCK_TARGET_BYTES)).next_multiple_of(CUT_BYTES),
        };
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

impl CompactWriter {
    /// Begins an object.
    #[must_use]
    pub fn new(plan: CompactPlan) -> Self {
        let table = CompactTable {
            prefix_bytes: plan.prefix_bytes,
            pixel_bytes: plan.pixel_bytes,
            suffix_bytes: 0,
            block_bytes: plan.block_bytes(),
            lengths: Vec::new(),
        };
        Self { plan, table, taken: 0, block: Vec::new() }
    }

    /// Takes the next plain bytes and appends what can be stored to `out`.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) {
        let pixels_end = self.plan.prefix_bytes + self.plan.pixel_bytes;
        while !plain.is_empty() {
            let until = if self.taken < self.plan.prefix_bytes {
                self.plan.prefix_bytes
            } else if self.taken < pixels_end {
                let into_pixels = self.taken - self.plan.prefix_bytes;
                let block_bytes = u64::from(self.table.block_bytes);
                let block_end = (into_pixels / block_bytes + 1) * block_bytes;
                (self.plan.prefix_bytes + block_end).min(pixels_end)
            } else {
                u64::MAX
            };
            let count =
                usize::try_from(until - self.taken).map_or(plain.len(), |count| count.min(plain.len()));
            let (now, later) = plain.split_at_checked(count).unwrap_or((plain, &[]));
            let in_pixels = self.taken >= self.plan.prefix_bytes && self.taken < pixels_end;
            self.taken += now.len() as u64;
            plain = later;
            if !in_pixels {
                out.extend_from_slice(now);
            } else if self.taken < until {
                self.block.extend_from_slice(now);
            } else if self.block.is_empty() {
                // The whole block lies in the input: no copy.
                self.store(now, out);
            } else {
                self.block.extend_from_slice(now);
                let block = std::mem::take(&mut self.block);
                self.store(&block, out);
                self.block = block;
                self.block.clear();
            }
        }
    }

    /// Ends the object. `None` if it ended before its pixels did, as the plan says.
    #[must_use]
    pub fn finish(mut self) -> Option<CompactTable> {
        self.table.suffix_bytes = self.taken.checked_sub(self.plan.prefix_bytes + self.plan.pixel_bytes)?;
        self.block.is_empty().then_some(self.table)
    }

    fn store(&mut self, block: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        // A block is never longer than its bound, so encoding cannot fail.
        let encoded = encode_block(&self.plan.format, block, out);
        debug_assert!(encoded.is_ok());
        self.table.lengths.push(u32::try_from(out.len() - start).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from((i / 11 + (i * 7) % 5) % 256).unwrap()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_range_of_the_plain_object_comes_back(
            prefix in 0_usize..300, pixels in 0_usize..1_200_000, suffix in 0_usize..100,
            frame in prop_oneof![Just(0_u64), 1_u64..3_000_000], piece in 1_usize..700_000,
            start in 0_u64..1_300_000, length in 0_u64..1_300_000,
        ) {
            let object = plain(prefix + pixels + suffix);
            let mut writer = CompactWriter::new(CompactPlan {
                format: PixelFormat::Words { columns: 512 },
                prefix_bytes: prefix as u64,
                pixel_bytes: pixels as u64,
                frame_bytes: frame,
            });
            let mut stored = Vec::new();
            for piece in object.chunks(piece) {
                writer.push(piece, &mut stored);
            }
            let table = writer.finish().unwrap();
            prop_assert_eq!(table.stored_bytes(), stored.len() as u64);
            prop_assert_eq!(table.plain_bytes(), object.len() as u64);
            let table = CompactTable::from_bytes(&table.to_bytes()).unwrap();
            for range in [0..u64::MAX, start..start + length] {
                let mut back = Vec::new();
                for piece in table.locate(range.clone()) {
                    let bytes = piece.stored.start as usize..piece.stored.end as usize;
                    piece.decode(&stored[bytes], &mut back).unwrap();
                }
                let from = range.start.min(object.len() as u64) as usize;
                let until = range.end.min(object.len() as u64) as usize;
                prop_assert!(back == object[from..until], "{range:?}");
            }
        }
    }

    #[test]
    fn an_object_that_ends_inside_its_pixels_has_no_table() {
        let plan = CompactPlan {
            format: PixelFormat::Words { columns: 512 },
            prefix_bytes: 2,
            pixel_bytes: 10,
            frame_bytes: 10,
        };
        let mut writer = CompactWriter::new(plan);
        writer.push(&[0; 11], &mut Vec::new());
        assert_eq!(writer.finish(), None);
    }

    #[test]
    fn a_block_holds_whole_small_frames_or_an_even_share_of_a_large_one() {
        let plan = |frame_bytes| CompactPlan {
            format: PixelFormat::Words { columns: 512 },
            prefix_bytes: 0,
            pixel_bytes: 0,
            frame_bytes,
        };
        assert_eq!(plan(0).block_bytes(), 131_072);
        assert_eq!(plan(1).block_bytes(), 131_072);
        assert_eq!(plan(60_000).block_bytes(), 120_000);
        assert_eq!(plan(131_072).block_bytes(), 131_072);
        assert_eq!(plan(524_288).block_bytes(), 131_072);
        assert_eq!(plan(512 * 300 * 2).block_bytes(), 102_400);
        assert_eq!(plan(5_000_001).block_bytes(), 128_208);
        assert_eq!(plan(u64::MAX - 3).block_bytes(), 131_072);
    }
}
