//! Every endpoint, in one table: what is served, described and counted by.

pub(crate) mod agents;
mod description;
pub(crate) mod groups;
mod health;
pub(crate) mod messages;
mod metrics;
pub(crate) mod tenders;
mod tree;

use axum::http::StatusCode;
use futures::future::BoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::call::{Call, IDEMPOTENCY_KEY, Reply};
use crate::fault::Fault;
use crate::guard::Access;
use crate::principal::Needs;

/// One endpoint.
pub(crate) struct Endpoint {
    pub(crate) verb: Verb,
    /// With the parts that it names in braces.
    pub(crate) path: &'static str,
    /// Its name in the description.
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// What it does, in a sentence without its full stop.
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) needs: Needs,
    pub(crate) patience: Patience,
    /// What may stand in the query and in headers.
    pub(crate) parameters: &'static [Parameter],
    pub(crate) takes: Option<Takes>,
    pub(crate) gives: Gives,
    /// Statuses that it may refuse with, beside those that its other fields bring about.
    pub(crate) refuses: &'static [StatusCode],
    /// Another answer than problem details, where it is no success.
    pub(crate) otherwise: Option<Gives>,
    pub(crate) run: Run,
}

impl Endpoint {
    /// One that looks at something and takes no body; others differ from it field by field.
    const fn get(
        group: Group,
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        gives: Gives,
        run: Run,
    ) -> Self {
        Self {
            verb: Verb::Get,
            path,
            name,
            group,
            summary,
            access: Access::Token,
            needs: Needs::Look,
            patience: Patience::Usual,
            parameters: &[],
            takes: None,
            gives,
            refuses: &[StatusCode::NOT_FOUND],
            otherwise: None,
            run,
        }
    }
}

/// How an endpoint is carried out.
pub(crate) type Run = fn(Call) -> BoxFuture<'static, Result<Reply, Fault>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// What an endpoint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Agents,
    Messages,
    Tenders,
    Groups,
    Server,
}

impl Group {
    pub(crate) const ALL: [Self; 5] =
        [Self::Agents, Self::Messages, Self::Tenders, Self::Groups, Self::Server];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Messages => "messages",
            Self::Tenders => "tenders",
            Self::Groups => "groups",
            Self::Server => "server",
        }
    }

    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Agents => "Agents that live here: their life, and what became of it.",
            Self::Messages => "What agents are told, asked and could not be told.",
            Self::Tenders => "Tasks that agents bid for, and how they kept what they promised.",
            Self::Groups => "What is said to many: topics, queue groups and the blackboard.",
            Self::Server => "How the server is, and what it offers.",
        }
    }
}

/// How long an endpoint may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Usual,
    /// It compiles a module, waits for an answer, or lets an agent end its work.
    Long,
}

/// How large a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Usual,
    Module,
}

/// What an endpoint reads beside its body.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// `query` or `header`.
    pub(crate) place: &'static str,
    pub(crate) about: &'static str,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// What a request may be named by that is carried out once.
pub(crate) const KEY: Parameter = Parameter {
    name: IDEMPOTENCY_KEY,
    place: "header",
    about: "Names what is sent, so that it is stored and done once however often it is sent; instead of the field of the body. \
            With another message or tender the same key is refused.",
    schema: schema::<String>,
};

/// A body, as JSON.
pub(crate) struct Takes {
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) example: &'static str,
    pub(crate) largest: Size,
}

/// An answer.
pub(crate) struct Gives {
    pub(crate) status: StatusCode,
    pub(crate) about: &'static str,
    pub(crate) media: &'static str,
    /// Absent where there is no body, or one that no JSON Schema describes.
    pub(crate) schema: Option<fn(&mut SchemaGenerator) -> Schema>,
}

impl Gives {
    const fn json(
        status: StatusCode,
        about: &'static str,
        schema: fn(&mut SchemaGenerator) -> Schema,
    ) -> Self {
        Self { status, about, media: "application/json", schema: Some(schema) }
    }

    const fn text(media: &'static str, about: &'static str) -> Self {
        Self { status: StatusCode::OK, about, media, schema: None }
    }

    const fn nothing(about: &'static str) -> Self {
        Self { status: StatusCode::NO_CONTENT, about, media: "", schema: None }
    }
}

pub(crate) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Every endpoint, in the order of the description.
pub(crate) fn all() -> impl Iterator<Item = &'static Endpoint> {
    [
        agents::ENDPOINTS,
        messages::ENDPOINTS,
        tenders::ENDPOINTS,
        groups::ENDPOINTS,
        tree::ENDPOINTS,
        health::ENDPOINTS,
        metrics::ENDPOINTS,
        description::ENDPOINTS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_endpoints_are_the_same() {
        let mut seen = Vec::new();
        for endpoint in all() {
            assert!(!seen.contains(&(endpoint.verb.as_str(), endpoint.path)), "{}", endpoint.path);
            assert!(!seen.contains(&("name", endpoint.name)), "{}", endpoint.name);
            assert!(!endpoint.summary.ends_with('.'), "{}", endpoint.summary);
            seen.extend([(endpoint.verb.as_str(), endpoint.path), ("name", endpoint.name)]);
        }
    }

    #[test]
    fn only_health_is_open() {
        for endpoint in all() {
            let health = endpoint.path.starts_with("/health/");
            assert_eq!(endpoint.access == Access::Open, health, "{}", endpoint.path);
            assert_eq!(endpoint.needs == Needs::Nothing, health, "{}", endpoint.path);
        }
    }

    #[test]
    fn what_only_looks_changes_nothing() {
        for endpoint in all() {
            let looks = matches!(endpoint.needs, Needs::Nothing | Needs::Look);
            assert_eq!(looks, endpoint.verb == Verb::Get, "{}", endpoint.path);
        }
    }
}
