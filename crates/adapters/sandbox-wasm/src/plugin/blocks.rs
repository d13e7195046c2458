//! Which parts of the plug-in's shared memory are in use.
//!
//! Every step costs a logarithm of what there is, never a walk over it: the guest decides how much there is, and the host
//! does not give way while it looks.

use std::collections::{BTreeMap, BTreeSet};

/// Space left before each block, in bytes: what the host keeps for it, so that many small blocks use up the memory
/// that bounds them.
const HEAD: u64 = 64;

/// Sizes and offsets are whole multiples of this, in bytes.
const GRAIN: u64 = 16;

/// The blocks of one memory. Offset 0 is none.
#[derive(Default)]
pub(crate) struct Blocks {
    used: BTreeMap<u64, Block>,
    /// Size, offset: the smallest that fits is taken.
    free: BTreeSet<(u64, u64)>,
    /// Where nothing lies yet.
    end: u64,
}

struct Block {
    size: u64,
    /// What was asked for; at most the size.
    length: u64,
}

impl Blocks {
    /// Where `length` bytes may lie. `room` is asked whether the memory can have so many bytes in all.
    pub(crate) fn place(&mut self, length: u64, room: impl FnOnce(u64) -> bool) -> Option<u64> {
        if length == 0 {
            return None;
        }
        let size = length.checked_next_multiple_of(GRAIN)?;
        let (size, offset) = match self.free.range((size, 0)..).next().copied() {
            Some(found) => {
                self.free.remove(&found);
                self.split(found, size)
            }
            None => {
                let offset = self.end.checked_add(HEAD)?;
                let end = offset.checked_add(size)?;
                if !room(end) {
                    return None;
                }
                self.end = end;
                (size, offset)
            }
        };
        self.used.insert(offset, Block { size, length });
        Some(offset)
    }

    /// Keeps what is too much of a free block for another one.
    fn split(&mut self, (whole, offset): (u64, u64), size: u64) -> (u64, u64) {
        match (whole - size).checked_sub(HEAD) {
            Some(rest) if rest >= GRAIN => {
                self.free.insert((rest, offset + size + HEAD));
                (size, offset)
            }
            Some(_) | None => (whole, offset),
        }
    }

    /// Gives a block back. Says whether there was one.
    pub(crate) fn release(&mut self, offset: u64) -> bool {
        let Some(block) = self.used.remove(&offset) else { return false };
        self.free.insert((block.size, offset));
        true
    }

    /// The length of the block that begins there.
    pub(crate) fn length(&self, offset: u64) -> Option<u64> {
        self.used.get(&offset).map(|block| block.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_that_was_given_back_is_used_again() {
        let mut blocks = Blocks::default();
        let first = blocks.place(1_000, |_| true).unwrap();
        assert_eq!(blocks.length(first), Some(1_000));
        assert!(blocks.release(first));
        assert!(!blocks.release(first));
        assert_eq!(blocks.length(first), None);
        // Both lie where the first one lay.
        let one = blocks.place(10, |_| false).unwrap();
        let other = blocks.place(500, |_| false).unwrap();
        assert_eq!((one, blocks.length(one)), (first, Some(10)));
        assert!(other > one && other + 500 <= first + 1_008);
        assert_eq!(blocks.place(1_000, |_| false), None);
    }

    #[test]
    fn what_no_memory_can_hold_has_no_place() {
        let mut blocks = Blocks::default();
        for length in [0, u64::MAX, u64::MAX - 15, u64::MAX - 64] {
            assert_eq!(blocks.place(length, |_| true), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_two_blocks_lie_in_each_other(steps in prop::collection::vec((1..300_u64, any::<bool>()), 1..60)) {
            let mut blocks = Blocks::default();
            let mut live: Vec<(u64, u64)> = Vec::new();
            for (length, forget) in steps {
                if forget && !live.is_empty() {
                    let (offset, _) = live.remove(usize::try_from(length).unwrap() % live.len());
                    prop_assert!(blocks.release(offset));
                }
                let offset = blocks.place(length, |bytes| bytes < 1 << 20).unwrap();
                prop_assert!(offset >= HEAD && offset + length <= blocks.end);
                for (at, size) in &live {
                    prop_assert!(offset + length <= *at || at + size <= offset);
                }
                live.push((offset, length));
            }
        }
    }
}
