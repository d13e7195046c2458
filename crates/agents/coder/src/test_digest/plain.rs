//! Output of a runner that nothing is known about.

use super::{Digest, Kept};

/// All of it but make's own remarks.
pub(crate) fn digest(text: &str) -> Digest {
    let mut kept = Kept::default();
    for line in text.lines() {
        let is_remark = line.starts_with("make[")
            && (line.contains(": Entering directory") || line.contains(": Leaving directory"));
        if !is_remark {
            kept.push(line);
        }
    }
    Digest { kept: kept.0, ..Digest::default() }
}
