//! Memory that this process holds.

/// Bytes of this process that are in memory now; nothing where the system does not tell.
pub(crate) fn held() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The resident set, by a process's status as proc(5) has it.
fn resident(status: &str) -> Option<u64> {
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = size.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_is_read() {
        let status = "Name:\tbottega\nVmPeak:\t  900 kB\nVmRSS:\t   96052 kB\nThreads:\t4\n";
        assert_eq!(resident(status), Some(98_357_248));
        assert_eq!(resident("Name:\tbottega\n"), None);
        assert_eq!(resident("VmRSS:\tmuch\n"), None);
    }
}
