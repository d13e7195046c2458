//! Counts vowels: a plug-in of Extism that is a tool of Bottega.

use extism_pdk::{FnResult, Json, config, info, plugin_fn, var};
use serde::{Deserialize, Serialize};

/// What a model fills in.
#[derive(Deserialize)]
struct Arguments {
    text: String,
}

/// What it is told.
#[derive(Serialize)]
struct Answer {
    count: usize,
    /// Vowels of all texts so far.
    total: usize,
}

/// Vowels where `[extism] config` names none.
const VOWELS: &str = "aeiouAEIOU";

#[plugin_fn]
pub fn count_vowels(Json(arguments): Json<Arguments>) -> FnResult<Json<Answer>> {
    let vowels = config::get("vowels")?.unwrap_or_else(|| VOWELS.to_owned());
    let count = arguments.text.chars().filter(|letter| vowels.contains(*letter)).count();
    let total = match var::get::<String>("total")? {
        Some(total) => total.parse::<usize>()? + count,
        None => count,
    };
    var::set("total", total.to_string())?;
    info!("{count} vowels in {} bytes", arguments.text.len());
    Ok(Json(Answer { count, total }))
}
