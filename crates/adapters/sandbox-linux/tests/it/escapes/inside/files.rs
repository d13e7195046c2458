//! Files outside.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{c, out, word};
use crate::escapes::Tries;

/// What must not be read: a key, the journal, what lies beside the workspace.
const SECRETS: [&str; 5] = [
    "home/.ssh/id",
    "home/.cargo/credentials.toml",
    "home/notes",
    "bottega/data/journal.db",
    "outside/o",
];

#[test]
#[ignore = "runs inside the cage"]
fn reading() {
    let mut tries = Tries::new();
    let workspace = std::env::current_dir().unwrap();
    let here = File::open(".").unwrap();
    for name in SECRETS {
        let secret = out(name);
        tries.add(format!("read {name}"), fs::read(&secret));
        let link = format!("link-{}", name.replace('/', "-"));
        symlink(&secret, &link).unwrap();
        tries.add(format!("read {name} by a link"), fs::read(&link));
        tries.add(format!("hard link to {name}"), fs::hard_link(&secret, "hard"));
        tries.add(format!("take {name} in"), fs::rename(&secret, "taken"));
        for root in [
            "/proc/self/root".to_owned(),
            "/proc/thread-self/root".to_owned(),
            format!("/proc/{}/root", std::os::unix::process::parent_id()),
            "/proc/1/root".to_owned(),
        ] {
            let around = PathBuf::from(format!("{root}{}", secret.display()));
            tries.add(format!("read {}", around.display()), fs::read(&around));
        }
        let up = Path::new("/proc/self/cwd/..").join(name);
        tries.add(format!("read {}", up.display()), fs::read(&up));
        let up = format!("/proc/self/fd/{}/../{name}", here.as_raw_fd());
        tries.add(format!("read {up}"), fs::read(&up));
        let beneath = CString::new(format!("../{name}")).unwrap();
        // SAFETY: the path ends in NUL.
        tries.call(format!("openat ../{name}"), unsafe {
            libc::openat(here.as_raw_fd(), beneath.as_ptr(), libc::O_RDONLY).into()
        });
        // A descriptor that names a file without opening it.
        let named = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(&secret);
        match named {
            Err(error) => tries.add(format!("name {name}"), Err::<(), _>(error)),
            Ok(named) => {
                let again = format!("/proc/self/fd/{}", named.as_raw_fd());
                tries.add(format!("open {name} that was only named"), fs::read(again));
                // SAFETY: the path is empty, as the flag wants it.
                tries.call(format!("link {name} that was only named"), unsafe {
                    let to = c"named-link";
                    let (fd, at) = (named.as_raw_fd(), libc::AT_FDCWD);
                    libc::linkat(fd, c"".as_ptr(), at, to.as_ptr(), libc::AT_EMPTY_PATH).into()
                });
            }
        }
    }
    // A folder that is swapped for a link between two looks.
    fs::create_dir("swapped").unwrap();
    fs::remove_dir("swapped").unwrap();
    symlink(out("home"), "swapped").unwrap();
    tries.add("read through a swapped folder", fs::read("swapped/.ssh/id"));
    tries.add("list home", fs::read_dir(out("home")).map(|_| ()));
    tries.add("list beside the workspace", fs::read_dir(workspace.parent().unwrap()).map(|_| ()));
    let parent = std::os::unix::process::parent_id();
    for file in ["environ", "mem", "maps", "auxv", "fd/0", "cwd/x"] {
        tries.add(format!("{file} of the parent"), fs::read(format!("/proc/{parent}/{file}")));
        let bottega = word("BOSS");
        tries.add(format!("{file} of Bottega"), fs::read(format!("/proc/{bottega}/{file}")));
    }
    for file in [
        "/etc/shadow",
        "/proc/kcore",
        "/proc/kmsg",
        "/dev/mem",
        "/dev/kmsg",
        "/dev/sda",
        "/dev/vda",
    ] {
        tries.add(file, File::open(file));
    }
    // SAFETY: the structures are as the calls want them, the path ends in NUL.
    unsafe {
        let mut handle = [0_u8; 256];
        handle[..4].copy_from_slice(&128_u32.to_ne_bytes());
        let mut mount = 0;
        libc::name_to_handle_at(
            libc::AT_FDCWD,
            c"/".as_ptr(),
            handle.as_mut_ptr().cast(),
            &raw mut mount,
            0,
        );
        let here = here.as_raw_fd();
        tries.call(
            "open_by_handle_at",
            libc::open_by_handle_at(here, handle.as_mut_ptr().cast(), 0).into(),
        );
    }
    tries.all_refused();
}

#[test]
#[ignore = "runs inside the cage"]
fn writing() {
    let mut tries = Tries::new();
    fs::write("mine", "mine").unwrap();
    let here = File::open(".").unwrap();
    let mut places: Vec<PathBuf> =
        ["outside", "home", "home/.cargo/registry", "home/.ssh", "lent", "bottega/data"]
            .map(out)
            .into();
    places.extend(
        ["/tmp", "/var/tmp", "/etc", "/usr/bin", "/run", "/dev", "/proc", "/sys"]
            .map(PathBuf::from),
    );
    for place in &places {
        let told = place.display();
        let new = place.join("bottega-escape");
        tries.add(format!("create in {told}"), fs::write(&new, "x"));
        tries.add(format!("folder in {told}"), fs::create_dir(&new));
        tries.add(format!("link in {told}"), symlink("mine", &new));
        tries.add(format!("hard link in {told}"), fs::hard_link("mine", &new));
        tries.add(format!("move to {told}"), fs::rename("mine", &new));
        let flags = OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(place);
        tries.add(format!("file without a name in {told}"), flags);
        // SAFETY: the path ends in NUL.
        tries.call(format!("pipe in {told}"), unsafe {
            libc::mkfifo(c(&new).as_ptr(), 0o600).into()
        });
        // SAFETY: as above.
        tries.call(format!("device in {told}"), unsafe {
            libc::mknod(c(&new).as_ptr(), libc::S_IFCHR | 0o600, libc::makedev(1, 3)).into()
        });
        // SAFETY: as above.
        tries.call(format!("exchange with {told}"), unsafe {
            let (at, mine, theirs) = (libc::AT_FDCWD, c"mine", c(place));
            libc::renameat2(at, mine.as_ptr(), at, theirs.as_ptr(), libc::RENAME_EXCHANGE).into()
        });
    }
    for name in
        ["outside/o", "home/notes", "lent/l", "home/.cargo/registry/x", "bottega/data/journal.db"]
    {
        let file = out(name);
        tries.add(format!("append to {name}"), OpenOptions::new().append(true).open(&file));
        tries.add(
            format!("open {name} for both"),
            OpenOptions::new().read(true).write(true).open(&file),
        );
        tries.add(format!("remove {name}"), fs::remove_file(&file));
        // SAFETY: the path ends in NUL.
        tries.call(format!("truncate {name}"), unsafe {
            libc::truncate(c(&file).as_ptr(), 0).into()
        });
        symlink(&file, "to").unwrap();
        tries.add(format!("write {name} by a link"), OpenOptions::new().append(true).open("to"));
        fs::remove_file("to").unwrap();
        let up = format!("/proc/self/fd/{}/../{name}", here.as_raw_fd());
        tries.add(format!("write {up}"), OpenOptions::new().append(true).open(up));
    }
    tries.add("rename the folder around", fs::rename(out("outside"), out("elsewhere")));
    tries.add("remove the folder around", fs::remove_dir_all(out("outside")));
    for file in [
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/self/uid_map",
        "/sys/power/state",
    ] {
        tries.add(format!("write {file}"), OpenOptions::new().write(true).open(file));
    }
    // Opened for reading, and opened again by its descriptor for writing.
    let lent = File::open(out("lent/l")).unwrap();
    let again = format!("/proc/self/fd/{}", lent.as_raw_fd());
    tries.add("reopen for writing", OpenOptions::new().append(true).open(again));
    tries.all_refused();
}

/// What changes a file without opening it: Landlock does not hold it, mounts do.
#[test]
#[ignore = "runs inside the cage"]
fn changing_without_opening() {
    let mut tries = Tries::new();
    for name in [
        "outside/o",
        "home/notes",
        "home/.ssh",
        "lent/l",
        "home/.cargo/registry/x",
        "bottega/data/journal.db",
    ] {
        let file = out(name);
        let path = c(&file);
        tries.add(
            format!("mode of {name}"),
            fs::set_permissions(&file, fs::Permissions::from_mode(0o777)),
        );
        // SAFETY: the paths end in NUL; null stands for "now" and the value is as long as the call is told.
        unsafe {
            tries.call(
                format!("times of {name}"),
                libc::utimensat(libc::AT_FDCWD, path.as_ptr(), std::ptr::null(), 0).into(),
            );
            tries.call(
                format!("owner of {name}"),
                libc::chown(path.as_ptr(), libc::getuid(), libc::getgid()).into(),
            );
            let value = b"x";
            tries.call(
                format!("attribute of {name}"),
                libc::setxattr(path.as_ptr(), c"user.x".as_ptr(), value.as_ptr().cast(), 1, 0)
                    .into(),
            );
        }
    }
    tries.all_refused();
}

#[test]
#[ignore = "runs inside the cage"]
fn descriptors() {
    let open: Vec<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter_map(|entry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?)))
        .map(|(number, to)| format!("{} {}", number.to_str().unwrap(), to.display()))
        .filter(|line| !line.starts_with(['0', '1', '2']))
        // What this test program opened itself: the folder that is being listed, and its runtime's.
        .filter(|line| !line.contains("/proc/") && !line.contains("anon_inode:"))
        .collect();
    assert!(open.is_empty(), "inherited: {open:?}");
    crate::escapes::done(0);
}
