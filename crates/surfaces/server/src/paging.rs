//! Lists that come in pages: so many at a time, and where the next ones are. REST says that as `Link` with `rel="next"`
//! (RFC 8288), gRPC as `next_page_token` (AIP-158).

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
            return Err(ApiError::new(codes::USAGE, why)
                .step("name a number of that range")
                .into());
        }
        Ok(Self { limit, cursor: query.word(CURSOR).map(str::to_owned) })
    }

    /// Reads what a call says: a size of 0 is as many as may be, and so is a larger one; an empty token is the beginning.
    pub(crate) fn called(size: i32, token: String) -> Result<Self, ApiError> {
        let Ok(size) = usize::try_from(size) else {
            let why = format!("`page_size` is 0 to {MOST}, not {size}");
            return Err(ApiError::new(codes::MALFORMED, why).step("leave it out for all that fit"));
        };
        let limit = if size == 0 { MOST } else { size.min(MOST) };
        Ok(Self { limit, cursor: Some(token).filter(|token| !token.is_empty()) })
    }

    /// How many things behind the cursor are needed to show this page, and to know whether another follows.
    pub(crate) const fn needs(&self) -> usize {
        self.limit + 1
    }

    /// Behind which thing the page begins; nothing at the beginning.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The page of a list whose things stand in the order of their keys.
    pub(crate) fn reply<V: Serialize>(
        &self,
        call: &Call,
        list: Vec<V>,
        key: impl Fn(&V) -> String,
        order: Order,
    ) -> Result<Reply, Fault> {
        shown(call, self.cut(list, key, order))
    }

    /// As [`Self::reply`], of a list that grows at its end alone.
    pub(crate) fn growing<V: Serialize>(&self, call: &Call, list: Vec<V>) -> Result<Reply, Fault> {
        shown(call, self.next(list)?)
    }

    /// The page of a list whose things stand in the order of their keys, and where the next one begins.
    pub(crate) fn cut<V>(&self, list: Vec<V>, key: impl Fn(&V) -> String, order: Order) -> Cut<V> {
        let behind = |one: &V| match (&self.cursor, order) {
            (None, _) => true,
            (Some(cursor), Order::Rising) => key(one) > *cursor,
            (Some(cursor), Order::Falling) => key(one) < *cursor,
        };
        let mut rest = list.into_iter().filter(behind);
        let shown: Vec<V> = rest.by_ref().take(self.limit).collect();
        let next = rest.next().and(shown.last()).map(key);
        Cut { shown, next }
    }

    /// The number that the page before said; 0 at the beginning.
    pub(crate) fn after(&self) -> Result<u64, ApiError> {
        let Some(cursor) = &self.cursor else { return Ok(0) };
        cursor.parse().map_err(|_| {
            ApiError::new(codes::USAGE, format!("no page begins at `{cursor}`"))
                .step("write what the page before said")
        })
    }

    /// How many things behind the cursor show this page, and whether another follows.
    pub(crate) const fn wants(&self) -> usize {
        self.limit + 1
    }

    /// The page of things that have places which only rise: those behind the cursor, as many as it [wants](Self::wants).
    pub(crate) fn placed<V>(&self, mut list: Vec<(u64, V)>) -> Cut<V> {
        let more = list.len() > self.limit;
        list.truncate(self.limit);
        let next = list.last().filter(|_| more).map(|(place, _)| place.to_string());
        Cut { shown: list.into_iter().map(|(_, one)| one).collect(), next }
    }

    /// The page of a list that grows at its end alone: where it goes on is a number of things.
    pub(crate) fn next<V>(&self, list: Vec<V>) -> Result<Cut<V>, ApiError> {
        let seen = usize::try_from(self.after()?).unwrap_or(usize::MAX);
        let until = seen.saturating_add(self.limit);
        let next = (until < list.len()).then(|| until.to_string());
        Ok(Cut { shown: list.into_iter().skip(seen).take(self.limit).collect(), next })
    }
}

/// A page, and where the next one begins, if there is one.
#[derive(Debug)]
pub(crate) struct Cut<V> {
    pub(crate) shown: Vec<V>,
    pub(crate) next: Option<String>,
}

pub(crate) fn shown<V: Serialize>(call: &Call, cut: Cut<V>) -> Result<Reply, Fault> {
    let reply = Reply::json(StatusCode::OK, &cut.shown)?;
    Ok(match cut.next {
        Some(next) => reply.before(call.next_page(CURSOR, &next)),
        None => reply,
    })
}

/// In which order the keys of a list stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Rising,
    Falling,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_placed_behind_is_shown_whatever_its_name() {
        // `m3` was resent: its place is new, its name is old.
        let mail = [(4, "m9"), (6, "m7"), (8, "m3")];
        let (mut token, mut shown) = (String::new(), Vec::new());
        loop {
            let page = Page::called(1, token).unwrap();
            let after = page.after().unwrap();
            let behind = mail.into_iter().filter(|(place, _)| *place > after);
            let cut = page.placed(behind.take(page.wants()).collect());
            shown.extend(cut.shown);
            let Some(next) = cut.next else { break };
            token = next;
        }
        assert_eq!(shown, ["m9", "m7", "m3"]);
        let strange = Page::called(1, "m9".to_owned()).unwrap().after().unwrap_err();
        assert_eq!(strange.code, codes::USAGE.name);
    }
}
