//! Settings that are right by themselves and do not go together.

use crate::config::Entries;
use crate::ladder::ModelChoice;
use crate::problem::{Problem, ProblemKind};
use crate::vendor::{EMBEDDED, VENDORS};
use crate::{SettingPath, Settings};

/// Everything in `settings` that does not go together; `entries` say who set it.
pub(crate) fn conflicts(settings: &Settings, entries: &Entries) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut conflict = |path: SettingPath, why: String| {
        let set = entries.iter().find(|(at, _)| at.is_within(&path));
        let place = set.map_or_else(|| "settings".to_owned(), |(_, e)| e.origin.to_string());
        found.push(Problem::named(ProblemKind::Conflict { path, why }, place));
    };
    for (name, provider) in &settings.providers {
        let path = SettingPath::of(["providers", name]);
        if name == EMBEDDED {
            conflict(path, "is the name of the embedded engine; choose another".to_owned());
        } else if name.contains('/') {
            conflict(path, "can't be written as `PROVIDER/NAME`; leave out the slash".to_owned());
        } else if provider.base_url.is_empty() {
            let known: Vec<_> = VENDORS.iter().map(|vendor| vendor.name).collect();
            let why = format!("needs a `base_url`; known without one are {}", known.join(", "));
            conflict(path, why);
        }
    }
    for (name, route) in &settings.models.routes {
        let path = SettingPath::of(["models", "routes", name]);
        if name.contains('/') {
            conflict(path, "looks like `PROVIDER/NAME`; leave out the slash".to_owned());
        } else if route.models.is_empty() {
            conflict(path, "needs `models`, a list of one at least".to_owned());
        }
    }
    let routes = settings.models.routes.iter();
    for (route, model) in
        routes.flat_map(|(name, route)| route.models.iter().map(move |m| (name, m)))
    {
        if let Err(why) = ModelChoice::named(&model.to_string(), settings) {
            conflict(
                SettingPath::of(["models", "routes", route, "models"]),
                format!("can't hold: {why}"),
            );
        }
    }
    for name in settings.models.prices.keys() {
        let path = SettingPath::of(["models", "prices", name]);
        if !entries.contains_key(&path.child("output")) {
            conflict(path, "needs `output`; what is free is written as `0`".to_owned());
        }
    }
    if let Some(default) = &settings.model.default
        && let Err(why) = ModelChoice::named(default, settings)
    {
        conflict(SettingPath::of(["model", "default"]), format!("can't hold: {why}"));
    }
    found
}
