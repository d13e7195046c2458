//! Lists that come in pages: so many at a time, and where the next ones are (`Link` with `rel="next"`, RFC 8288).

use axum::http::StatusCode;
use bottega_api::{ApiError, codes};
use serde::Serialize;

use crate::call::{Call, Query, Reply};
use crate::endpoints::{Parameter, schema};
use crate::fault::Fault;

/// How many of a list are shown at most.
pub(crate) const MOST: usize = 1_000;

/// The name of the first thing of a page, in the query.
const CURSOR: &str = "cursor";

/// What the query of a list may say.
pub(crate) const LIMIT: Parameter = Parameter {
    name: "limit",
    place: "query",
    about: "So many at a time: 1 to 1,000, and all that fit when absent.",
    schema: schema::<u32>,
};

/// See [`LIMIT`].
pub(crate) const AFTER: Parameter = Parameter {
    name: CURSOR,
    place: "query",
    about: "Where to go on, as the address of the next page says it.",
    schema: schema::<String>,
};

/// What a query says of the page that is wanted.
#[derive(Debug)]
pub(crate) struct Page {
    limit: usize,
    cursor: Option<String>,
}

impl Page {
    /// Reads it; `usual` many where it says nothing.
    pub(crate) fn of(query: &Query, usual: usize) -> Result<Self, Fault> {
        let limit = query.number(LIMIT.name).unwrap_or(usual);
        if !(1..=MOST).contains(&limit) {
            let why = format!("`limit` is 1 to {MOST}, not {limit}");
            return Err(ApiError::new(codes::USAGE, why).step("ask for fewer at once").into());
        }
        Ok(Self { limit, cursor: query.word(CURSOR).map(str::to_owned) })
    }

    /// How many of a list whose first ones come first are needed to show this page, and to know whether another follows.
    pub(crate) fn needs(&self) -> usize {
        if self.cursor.is_some() { usize::MAX } else { self.limit + 1 }
    }

    /// The page of a list whose things stand in the order of their keys.
    pub(crate) fn reply<V: Serialize>(
        &self,
        call: &Call,
        list: Vec<V>,
        key: impl Fn(&V) -> String,
        order: Order,
    ) -> Result<Reply, Fault> {
        let behind = |one: &V| match (&self.cursor, order) {
            (None, _) => true,
            (Some(cursor), Order::Rising) => key(one) > *cursor,
            (Some(cursor), Order::Falling) => key(one) < *cursor,
        };
        let mut rest = list.into_iter().filter(behind);
        let shown: Vec<V> = rest.by_ref().take(self.limit).collect();
        let reply = Reply::json(StatusCode::OK, &shown)?;
        match (shown.last(), rest.next()) {
            (Some(last), Some(_)) => Ok(reply.before(call.next_page(CURSOR, &key(last)))),
            (Some(_) | None, _) => Ok(reply),
        }
    }
}

/// In which order the keys of a list stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Rising,
    Falling,
}
