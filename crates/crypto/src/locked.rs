//! Where keys lie: memory that is locked, left out of core dumps and of child processes, and wiped.
//!
//! A [`SealingKey`](crate::SealingKey) is a place in a region, not bytes in a value: when the value moves, no copy of the key stays behind
//! on a stack. Regions are asked of the operating system as they are needed, and kept; a place that is given back is wiped before anybody
//! else gets it.
//!
//! Whether memory may be locked is a matter of limits (`RLIMIT_MEMLOCK`). Without it keys may reach the swap area; everything else holds.
//! [`key_memory`] tells.

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous};
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroize;

/// Bytes in a symmetric key.
pub(crate) const KEY_BYTES: usize = 32;

/// Bytes of a region: a thousand keys, and half of what the smallest usual limit (64 KiB) allows to lock.
const REGION_BYTES: usize = 32 * 1024;

/// How much memory keys have, and how much of it is locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyMemory {
    /// Bytes, all of them left out of core dumps and of child processes.
    pub bytes: usize,
    /// Bytes of them that never reach a swap area.
    pub locked_bytes: usize,
}

/// The memory that keys of this process have.
#[must_use]
pub fn key_memory() -> KeyMemory {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).memory
}

static POOL: Mutex<Pool> =
    Mutex::new(Pool { free: Vec::new(), memory: KeyMemory { bytes: 0, locked_bytes: 0 } });

struct Pool {
    // INVARIANT: each place is in a region that is never given back, holds zeros, and is nobody else's.
    free: Vec<Place>,
    memory: KeyMemory,
}

/// Room for one key.
struct Place(NonNull<[u8; KEY_BYTES]>);

// SAFETY: a place points into a region that lives as long as the process and is bound to no thread. Who holds the `Place` is the
// only one who may reach it, by the invariant of the pool.
#[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
unsafe impl Send for Place {}

// SAFETY: a shared `Place` gives shared access only, see `LockedKey::bytes`.
#[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
unsafe impl Sync for Place {}

/// The bytes of a key, in locked memory.
pub(crate) struct LockedKey(Place);

impl LockedKey {
    /// A key of zeros.
    pub(crate) fn zeroed() -> Self {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.free.is_empty() {
            pool.grow();
        }
        match pool.free.pop() {
            Some(place) => Self(place),
            None => unreachable!("a region has room for a thousand keys"),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        // SAFETY: the place is aligned for bytes, holds initialised memory of a region that is never unmapped, and only this
        // value reaches it; the borrow of `self` keeps `bytes_mut` away as long as this one lives.
        #[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
        unsafe {
            self.0.0.as_ref()
        }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        // SAFETY: as for `bytes`; the borrow of `self` is exclusive.
        #[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
        unsafe {
            self.0.0.as_mut()
        }
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        let place = Place(self.0.0);
        POOL.lock().unwrap_or_else(PoisonError::into_inner).free.push(place);
    }
}

impl Pool {
    /// Adds the places of one more region. Aborts when there is no memory, as every allocation does.
    fn grow(&mut self) {
        let region = match map() {
            Some(region) => region,
            None => handle_alloc_error(Layout::new::<[u8; REGION_BYTES]>()),
        };
        self.memory.bytes += REGION_BYTES;
        if lock(region) {
            self.memory.locked_bytes += REGION_BYTES;
        }
        let keys = region.cast::<[u8; KEY_BYTES]>();
        // SAFETY: so many keys fit into the region, which is one allocation; each is handed out once, by the invariant of the pool.
        #[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
        self.free.extend((0..REGION_BYTES / KEY_BYTES).map(|at| Place(unsafe { keys.add(at) })));
    }
}

/// A region of zeros.
fn map() -> Option<NonNull<u8>> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: the operating system chooses the address of new memory, so no memory of ours is touched.
    #[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
    let mapped = unsafe { mmap_anonymous(ptr::null_mut(), REGION_BYTES, access, MapFlags::PRIVATE) };
    mapped.ok().and_then(|start| NonNull::new(start.cast()))
}

/// Keeps a new region out of core dumps, children and swap. Says whether it is locked.
fn lock(region: NonNull<u8>) -> bool {
    let start = region.as_ptr().cast();
    for advice in [Advice::LinuxDontDump, Advice::LinuxDontFork] {
        // SAFETY: the range is the region that was just mapped. Neither advice changes its contents in this process; a child does
        // nothing before it becomes another program.
        #[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
        let advised = unsafe { madvise(start, REGION_BYTES, advice) };
        // A kernel built without it: the process makes no core dumps and does not fork for other reasons too.
        let _ = advised;
    }
    // SAFETY: the range is the region that was just mapped; locking does not change its contents.
    #[expect(unsafe_code, reason = "memory of keys is asked of the operating system")]
    unsafe {
        mlock(start, REGION_BYTES).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom};

    /// Reads memory of this process past the borrow checker.
    fn memory_at(address: usize) -> [u8; KEY_BYTES] {
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        memory.seek(SeekFrom::Start(address as u64)).unwrap();
        let mut bytes = [0; KEY_BYTES];
        memory.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_key_that_is_dropped_is_gone_from_its_place() {
        let secret: [u8; KEY_BYTES] = crate::random::array();
        let mut key = LockedKey::zeroed();
        *key.bytes_mut() = secret;
        let address = key.bytes().as_ptr() as usize;
        assert_eq!(memory_at(address), secret);
        drop(key);
        assert_ne!(memory_at(address), secret);
    }

    #[test]
    fn moving_a_key_moves_no_bytes() {
        let mut key = LockedKey::zeroed();
        *key.bytes_mut() = [7; KEY_BYTES];
        let address = key.bytes().as_ptr();
        let moved = Box::new(key);
        assert_eq!(moved.bytes().as_ptr(), address);
    }

    #[test]
    fn no_two_keys_share_a_place_and_every_new_one_is_zero() {
        let work = |thread: u8| {
            move || {
                for round in 0..50 {
                    // More than a region holds, over all threads.
                    let keys: Vec<LockedKey> = (0..400)
                        .map(|_| {
                            let mut key = LockedKey::zeroed();
                            assert_eq!(key.bytes(), &[0; KEY_BYTES], "thread {thread}, round {round}");
                            key.bytes_mut().fill(thread);
                            key
                        })
                        .collect();
                    assert!(keys.iter().all(|key| key.bytes() == &[thread; KEY_BYTES]));
                }
            }
        };
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                scope.spawn(work(thread));
            }
        });
    }

    #[test]
    fn the_kernel_knows_that_keys_are_not_dumped_not_inherited_and_whether_they_are_locked() {
        let key = LockedKey::zeroed();
        let address = key.bytes().as_ptr() as usize;
        let memory = key_memory();
        assert!(memory.bytes >= REGION_BYTES && memory.locked_bytes <= memory.bytes);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            if let Some((Ok(from), Ok(to))) =
                range.map(|(from, to)| (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16)))
            {
                inside = (from..to).contains(&address);
            } else if inside && let Some(flags) = line.strip_prefix("VmFlags:") {
                let has = |flag| flags.split_whitespace().any(|word| word == flag);
                assert!(has("dd") && has("dc"), "{flags}");
                if memory.locked_bytes == memory.bytes {
                    assert!(has("lo"), "{flags}");
                }
                return;
            }
        }
        panic!("the region is not in /proc/self/smaps");
    }
}
