//! Names that somebody may have meant.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::listing::entries;
use crate::place::Places;
use crate::resolve::shown;

/// As many files are looked at; a wrong name is no reason to walk a huge tree to its end.
const LOOKED_AT: usize = 5_000;

/// As many names are given.
const GIVEN: usize = 3;

/// Paths of the workspace whose names are near that of `real`, the nearest first.
pub(crate) fn similar(places: &Places, real: &Path) -> Vec<String> {
    if !real.starts_with(&places.root) {
        return Vec::new();
    }
    let asked = shown(places, real);
    let name = name_of(&asked).to_lowercase();
    let stop = AtomicBool::new(false);
    let mut near: Vec<(usize, usize, String)> = entries(&places.root, None, &stop)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .take(LOOKED_AT)
        .filter_map(|entry| {
            let path = shown(places, entry.path());
            let distance = strsim::damerau_levenshtein(&name, &name_of(&path).to_lowercase());
            // A third of the name may be wrong.
            (distance <= name.chars().count().div_ceil(3))
                .then(|| (distance, strsim::levenshtein(&asked, &path), path))
        })
        .collect();
    near.sort();
    near.truncate(GIVEN);
    near.into_iter().map(|(_, _, path)| path).collect()
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
