//! The kernel.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use crate::escapes::Tries;

#[test]
#[ignore = "runs inside the cage"]
fn namespaces_and_mounts() {
    let mut tries = Tries::new();
    // SAFETY: numbers, null pointers and texts that end in NUL.
    unsafe {
        for (name, flag) in [
            ("user", libc::CLONE_NEWUSER),
            ("mount", libc::CLONE_NEWNS),
            ("network", libc::CLONE_NEWNET),
            ("pid", libc::CLONE_NEWPID),
            ("uts", libc::CLONE_NEWUTS),
            ("cgroup", libc::CLONE_NEWCGROUP),
        ] {
            tries.call(format!("unshare {name}"), libc::unshare(flag).into());
            tries.call(
                format!("clone {name}"),
                libc::syscall(
                    libc::SYS_clone,
                    libc::c_long::from(flag | libc::SIGCHLD),
                    0,
                    0,
                    0,
                    0,
                ),
            );
            let mut arguments = [0_u64; 11];
            arguments[0] = flag.cast_unsigned().into();
            arguments[4] = 17;
            tries.call(
                format!("clone3 {name}"),
                libc::syscall(libc::SYS_clone3, arguments.as_ptr(), 88),
            );
        }
        tries.call(
            "mount",
            libc::mount(c"none".as_ptr(), c".".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null())
                .into(),
        );
        tries.call(
            "bind",
            libc::mount(
                c"/".as_ptr(),
                c".".as_ptr(),
                std::ptr::null(),
                libc::MS_BIND,
                std::ptr::null(),
            )
            .into(),
        );
        tries.call(
            "make writable",
            libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                std::ptr::null(),
                libc::MS_REMOUNT | libc::MS_BIND,
                std::ptr::null(),
            )
            .into(),
        );
        for hidden in [c"/proc", c"/tmp", c"/run", c"/dev/pts"] {
            tries.call(
                format!("unmount {hidden:?}"),
                libc::umount2(hidden.as_ptr(), libc::MNT_DETACH).into(),
            );
        }
        tries.call(
            "open_tree",
            libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, c"/".as_ptr(), 1),
        );
        tries.call("fsopen", libc::syscall(libc::SYS_fsopen, c"proc".as_ptr(), 0));
        tries.call("pivot_root", libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()));
        tries.call("chroot", libc::chroot(c".".as_ptr()).into());
    }
    tries.all_refused();
}

#[test]
#[ignore = "runs inside the cage"]
fn calls() {
    let mut tries = Tries::new();
    // SAFETY: numbers, null pointers and texts that end in NUL.
    unsafe {
        let mut parameters = [0_u8; 120];
        tries.call(
            "io_uring_setup",
            libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()),
        );
        tries.call("io_uring_enter", libc::syscall(libc::SYS_io_uring_enter, 0, 0, 0, 0, 0, 0));
        let session = -3_i64;
        tries.call("keyctl", libc::syscall(libc::SYS_keyctl, 0, session, 1, 0, 0));
        tries.call(
            "add_key",
            libc::syscall(
                libc::SYS_add_key,
                c"user".as_ptr(),
                c"x".as_ptr(),
                c"x".as_ptr(),
                1,
                session,
            ),
        );
        tries.call(
            "request_key",
            libc::syscall(libc::SYS_request_key, c"user".as_ptr(), c"x".as_ptr(), 0, session),
        );
        tries.call("bpf", libc::syscall(libc::SYS_bpf, 5, parameters.as_ptr(), 120));
        tries.call(
            "perf_event_open",
            libc::syscall(libc::SYS_perf_event_open, parameters.as_ptr(), 0, -1, -1, 0),
        );
        tries.call("userfaultfd", libc::syscall(libc::SYS_userfaultfd, 1));
        tries.call(
            "init_module",
            libc::syscall(libc::SYS_init_module, parameters.as_ptr(), 120, c"".as_ptr()),
        );
        tries.call("fanotify", libc::fanotify_init(0, 0).into());
        tries.call("hostname", libc::sethostname(c"x".as_ptr(), 1).into());
        let time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        tries.call("clock", libc::clock_settime(libc::CLOCK_REALTIME, &raw const time).into());
        tries.call("type into the terminal", libc::ioctl(0, libc::TIOCSTI, c"x".as_ptr()).into());
        #[cfg(target_arch = "x86_64")]
        {
            tries.call("x32 mount", libc::syscall(0x4000_0000 | libc::SYS_mount, 0, 0, 0, 0, 0));
            tries.call("x32 ptrace", libc::syscall(0x4000_0000 | 521, 0, 0, 0, 0));
        }
    }
    tries.all_refused();
}
