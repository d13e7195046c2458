//! The same tests as an ordinary user, where root runs them.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// An ordinary user on every machine: `nobody`.
const NOBODY: u32 = 65_534;

#[test]
#[expect(unsafe_code, reason = "who runs a test is asked of the kernel")]
fn the_cage_holds_for_an_ordinary_user_too() {
    // SAFETY: the call can't fail.
    if unsafe { libc::geteuid() } != 0 {
        // These tests run as an ordinary user anyway.
        return;
    }
    // Where this program lies an ordinary user may not come.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = Command::new(&program)
        // Toolchains are root's.
        .args(["--skip", "ordinary::", "--skip", "builds::", "--test-threads", "2"])
        .current_dir(&home)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &home)
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!told.contains(" 0 passed"), "{told}");
}
