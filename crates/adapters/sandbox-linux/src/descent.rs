//! Who descends from this process, read from `/proc` by bare system calls.

#![expect(
    unsafe_code,
    reason = "the keeper lives without an allocator and reads by bare system calls"
)]

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::RawFd;

/// How many processes one look finds at most; those beyond are found by the next one.
const MOST: usize = 65_536;

/// A place for numbers of processes, taken from the kernel and given back.
struct Numbers {
    room: *mut libc::pid_t,
    length: usize,
}

impl Numbers {
    fn new() -> Option<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let size = MOST * size_of::<libc::pid_t>();
        // SAFETY: a new mapping, wherever there is room.
        let room = unsafe { libc::mmap(std::ptr::null_mut(), size, protection, flags, -1, 0) };
        (room != libc::MAP_FAILED).then_some(Self { room: room.cast(), length: 0 })
    }

    fn push(&mut self, number: libc::pid_t) {
        if self.length < MOST {
            // SAFETY: there is room for `MOST` numbers.
            unsafe { self.room.add(self.length).write(number) };
            self.length += 1;
        }
    }

    fn get(&self, index: usize) -> Option<libc::pid_t> {
        // SAFETY: every number below `length` was written.
        (index < self.length).then(|| unsafe { self.room.add(index).read() })
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and not used again.
        unsafe { libc::munmap(self.room.cast(), MOST * size_of::<libc::pid_t>()) };
    }
}

/// Calls `each` with every process that descends from this one, parents first. `each` is called before the
/// process' own children are looked for, so that one it has stopped gets no more of them.
pub(crate) fn of_this_process(mut each: impl FnMut(libc::pid_t)) {
    let Some(mut found) = Numbers::new() else { return };
    // SAFETY: the call can't fail and touches no memory.
    children(unsafe { libc::getpid() }, &mut found);
    let mut index = 0;
    while let Some(process) = found.get(index) {
        each(process);
        children(process, &mut found);
        index += 1;
    }
}

/// The children of all threads of a process.
fn children(process: libc::pid_t, found: &mut Numbers) {
    let mut path = [0_u8; 64];
    let Some(path) = written(&mut path, format_args!("/proc/{process}/task\0")) else { return };
    // SAFETY: the path ends in NUL.
    let folder =
        unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) };
    if folder < 0 {
        return;
    }
    let mut entries = Aligned([0; 4096]);
    loop {
        let room = &mut entries.0;
        // SAFETY: the buffer is as long as the call is told.
        let read =
            unsafe { libc::syscall(libc::SYS_getdents64, folder, room.as_mut_ptr(), room.len()) };
        let Some(mut rest) = usize::try_from(read).ok().and_then(|read| room.get(..read)) else {
            break;
        };
        if rest.is_empty() {
            break;
        }
        // `struct linux_dirent64`: inode, offset, length of the entry (two bytes at 16), kind, name at 19.
        while let Some(length) = rest.get(16..18) {
            let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
            let name = rest.get(19..length).unwrap_or_default();
            if let Some(thread) = number(name) {
                of_thread(folder, thread, found);
            }
            rest = rest.get(length.max(19)..).unwrap_or_default();
        }
    }
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(folder) };
}

#[repr(C, align(8))]
struct Aligned([u8; 4096]);

fn of_thread(folder: RawFd, thread: libc::pid_t, found: &mut Numbers) {
    let mut path = [0_u8; 64];
    let Some(path) = written(&mut path, format_args!("{thread}/children\0")) else { return };
    // SAFETY: the path ends in NUL, the buffer is as long as the call is told, the descriptor is ours.
    unsafe {
        let list = libc::openat(folder, path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if list < 0 {
            return;
        }
        let (mut buffer, mut pid) = ([0_u8; 4096], 0);
        while let Ok(read @ 1..) =
            usize::try_from(libc::read(list, buffer.as_mut_ptr().cast(), buffer.len()))
        {
            for byte in &buffer[..read.min(buffer.len())] {
                // Every number has a space after it, so one that a read cut in two goes on in the next.
                if byte.is_ascii_digit() {
                    pid = digit(pid, *byte);
                } else if pid > 1 {
                    found.push(pid);
                    pid = 0;
                }
            }
        }
        libc::close(list);
    }
}

const fn digit(number: libc::pid_t, byte: u8) -> libc::pid_t {
    number.saturating_mul(10).saturating_add((byte - b'0') as libc::pid_t)
}

/// A name that is a number, up to its NUL.
fn number(name: &[u8]) -> Option<libc::pid_t> {
    let end = name.iter().position(|byte| *byte == 0)?;
    let digits = &name[..end];
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        .then(|| digits.iter().fold(0, |number, byte| digit(number, *byte)))
}

/// Writes a path without allocating.
fn written<'a>(room: &'a mut [u8; 64], text: std::fmt::Arguments<'_>) -> Option<&'a CStr> {
    let mut rest = &mut room[..];
    rest.write_fmt(text).ok()?;
    CStr::from_bytes_until_nul(room).ok()
}
