//! The kinds of events, their versions, and how an old form becomes the present one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::NewEvent;

/// Turns the stored form of one version into that of the next. Pure; refuses what it can't read.
pub type Upcaster = fn(Value) -> Result<Value, String>;

/// One kind of stored event.
#[derive(Clone, Copy, Debug)]
pub struct EventKind {
    /// Its name, for ever.
    pub name: &'static str,
    /// The version that is written today, from 1.
    pub version: u16,
    /// `upcasters[n]` turns version `n + 1` into `n + 2`; there are `version - 1` of them.
    pub upcasters: &'static [Upcaster],
}

/// Every kind of event that is stored. A new version adds an upcaster here.
pub const CATALOGUE: &[EventKind] = &[
    EventKind { name: "session.started", version: 1, upcasters: &[] },
    EventKind { name: "session.rerouted", version: 1, upcasters: &[] },
    EventKind { name: "session.surveyed", version: 1, upcasters: &[] },
    EventKind { name: "session.tasked", version: 1, upcasters: &[] },
    EventKind { name: "session.stepped", version: 1, upcasters: &[] },
    EventKind { name: "session.rewound", version: 1, upcasters: &[] },
    EventKind { name: "model.asked", version: 1, upcasters: &[] },
    EventKind { name: "model.answered", version: 1, upcasters: &[] },
    EventKind { name: "model.failed", version: 1, upcasters: &[] },
    EventKind { name: "tool.started", version: 1, upcasters: &[] },
    EventKind { name: "tool.finished", version: 1, upcasters: &[] },
    EventKind { name: "session.compacted", version: 1, upcasters: &[] },
    EventKind { name: "session.nudged", version: 1, upcasters: &[] },
    EventKind { name: "session.undone", version: 1, upcasters: &[] },
    EventKind { name: "session.ended", version: 1, upcasters: &[] },
    EventKind { name: "session.removed", version: 1, upcasters: &[] },
    EventKind { name: "budget.reserved", version: 1, upcasters: &[] },
    EventKind { name: "budget.settled", version: 1, upcasters: &[] },
    EventKind { name: "grant.given", version: 1, upcasters: &[] },
    EventKind { name: "grant.revoked", version: 1, upcasters: &[] },
    EventKind { name: "agent.deployed", version: 1, upcasters: &[] },
    EventKind { name: "agent.logged", version: 1, upcasters: &[] },
    EventKind { name: "agent.hosted", version: 1, upcasters: &[] },
    EventKind { name: "agent.started", version: 1, upcasters: &[] },
    EventKind { name: "agent.crashed", version: 1, upcasters: &[] },
    EventKind { name: "agent.reached", version: 1, upcasters: &[] },
    EventKind { name: "agent.webhook_failed", version: 1, upcasters: &[] },
    EventKind { name: "agent.webhook_recovered", version: 1, upcasters: &[] },
    EventKind { name: "agent.gave_up", version: 1, upcasters: &[] },
    EventKind { name: "agent.upgraded", version: 1, upcasters: &[] },
    EventKind { name: "agent.stopped", version: 1, upcasters: &[] },
    EventKind { name: "agent.removed", version: 1, upcasters: &[] },
    EventKind { name: "mail.accepted", version: 1, upcasters: &[] },
    EventKind { name: "mail.handled", version: 1, upcasters: &[] },
    EventKind { name: "mail.died", version: 1, upcasters: &[] },
    EventKind { name: "mail.resent", version: 1, upcasters: &[] },
    EventKind { name: "tender.opened", version: 1, upcasters: &[] },
    EventKind { name: "tender.heard", version: 1, upcasters: &[] },
    EventKind { name: "tender.passed", version: 1, upcasters: &[] },
    EventKind { name: "tender.lost", version: 1, upcasters: &[] },
    EventKind { name: "tender.decided", version: 1, upcasters: &[] },
    EventKind { name: "tender.bidden", version: 1, upcasters: &[] },
    EventKind { name: "tender.out", version: 1, upcasters: &[] },
    EventKind { name: "tender.round", version: 1, upcasters: &[] },
    EventKind { name: "tender.awarded", version: 1, upcasters: &[] },
    EventKind { name: "tender.learned", version: 1, upcasters: &[] },
    EventKind { name: "tender.ended", version: 1, upcasters: &[] },
    EventKind { name: "tender.told", version: 1, upcasters: &[] },
    EventKind { name: "directory.changed", version: 1, upcasters: &[] },
    EventKind { name: "keep.set", version: 1, upcasters: &[] },
    EventKind { name: "topic.subscribed", version: 1, upcasters: &[] },
    EventKind { name: "topic.unsubscribed", version: 1, upcasters: &[] },
    EventKind { name: "board.changed", version: 1, upcasters: &[] },
    EventKind { name: "board.refused", version: 1, upcasters: &[] },
];

/// A stored event that this build can't read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The kind is not in the catalogue.
    #[error("unknown event kind `{0}`; it was written by a newer bottega")]
    UnknownKind(String),
    /// The version is newer than this build writes.
    #[error(
        "event kind `{kind}` has version {version}, this build knows {known}; use a newer bottega"
    )]
    TooNew {
        /// The kind.
        kind: String,
        /// The stored version.
        version: u16,
        /// The newest this build knows.
        known: u16,
    },
    /// The stored form is not what it should be.
    #[error("event of kind `{kind}` can't be read: {why}")]
    Malformed {
        /// The kind.
        kind: String,
        /// Why not.
        why: String,
    },
}

/// The stored form of `payload`.
pub(crate) fn encode<T: Serialize>(kind: &'static str, version: u16, payload: &T) -> NewEvent {
    let data = serde_json::to_string(payload)
        .expect("an event is made of text, numbers and lists, which JSON can always hold");
    NewEvent { kind: kind.into(), version, data: data.into() }
}

/// Reads the stored form of a kind, by way of the upcasters where it is old.
pub(crate) fn decode<T: DeserializeOwned>(
    kind: &EventKind,
    version: u16,
    data: &str,
) -> Result<T, Undecodable> {
    let malformed = |why: String| Undecodable::Malformed { kind: kind.name.to_owned(), why };
    if version == kind.version {
        return serde_json::from_str(data).map_err(|error| malformed(error.to_string()));
    }
    if version > kind.version || version == 0 {
        let known = kind.version;
        return Err(Undecodable::TooNew { kind: kind.name.to_owned(), version, known });
    }
    let old: Value = serde_json::from_str(data).map_err(|error| malformed(error.to_string()))?;
    let new = kind.upcasters[usize::from(version) - 1..]
        .iter()
        .try_fold(old, |value, upcast| upcast(value))
        .map_err(malformed)?;
    serde_json::from_value(new).map_err(|error| malformed(error.to_string()))
}

/// The catalogue row of a kind.
pub(crate) fn find(name: &str) -> Result<&'static EventKind, Undecodable> {
    CATALOGUE
        .iter()
        .find(|kind| kind.name == name)
        .ok_or_else(|| Undecodable::UnknownKind(name.to_owned()))
}

/// Declares an enum of events, each variant a payload type with its kind and present version.
macro_rules! events {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident($payload:ty) = $kind:literal, $version:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($payload),)*
        }

        impl $name {
            /// The kinds of these events with the version that is written today.
            pub const KINDS: &[(&'static str, u16)] = &[$(($kind, $version)),*];

            /// The name of this event's kind.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// The stored form.
            #[must_use]
            pub fn encode(&self) -> $crate::NewEvent {
                match self { $(Self::$variant(payload) => $crate::catalogue::encode($kind, $version, payload),)* }
            }

            /// Reads a stored form, old versions included.
            pub fn decode(event: &$crate::NewEvent) -> Result<Self, $crate::Undecodable> {
                let kind = $crate::catalogue::find(&event.kind)?;
                match kind.name {
                    $($kind => $crate::catalogue::decode(kind, event.version, &event.data).map(Self::$variant),)*
                    other => Err($crate::Undecodable::UnknownKind(other.to_owned())),
                }
            }
        }

        $(impl From<$payload> for $name {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })*
    };
}
pub(crate) use events;

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Now {
        name: String,
        size: u32,
    }

    /// A kind that has been through three forms: a bare string, `{label}`, `{name, size}`.
    const AGED: EventKind = EventKind {
        name: "aged",
        version: 3,
        upcasters: &[
            |old| Ok(json!({ "label": old })),
            |old| match old.get("label") {
                Some(label) => Ok(json!({ "name": label, "size": 1 })),
                None => Err("no label".to_owned()),
            },
        ],
    };

    #[track_caller]
    fn check(version: u16, data: &str, expected: Result<Now, &str>) {
        let actual = decode::<Now>(&AGED, version, data).map_err(|error| error.to_string());
        match (actual, expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(actual, expected),
            (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{actual}"),
            (actual, expected) => panic!("{actual:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn every_old_form_is_read() {
        check(1, r#""x""#, Ok(Now { name: "x".into(), size: 1 }));
        check(2, r#"{"label":"x"}"#, Ok(Now { name: "x".into(), size: 1 }));
        check(3, r#"{"name":"x","size":7}"#, Ok(Now { name: "x".into(), size: 7 }));
    }

    #[test]
    fn what_can_not_be_read_says_why() {
        check(2, r"{}", Err("no label"));
        check(3, r"{", Err("can't be read"));
        check(4, r"{}", Err("use a newer bottega"));
        check(0, r"{}", Err("version 0"));
    }

    #[test]
    fn the_table_is_whole() {
        for kind in CATALOGUE {
            assert_eq!(kind.upcasters.len() + 1, usize::from(kind.version), "{}", kind.name);
            let twins = CATALOGUE.iter().filter(|other| other.name == kind.name).count();
            assert_eq!(twins, 1, "{}", kind.name);
        }
        let written = crate::SessionEvent::KINDS.iter().chain(crate::BudgetEvent::KINDS);
        let written = written.chain(crate::GrantEvent::KINDS).chain(crate::MailEvent::KINDS);
        let written = written.chain(crate::AgentEvent::KINDS).chain(crate::TenderEvent::KINDS);
        let written = written.chain(crate::DirectoryEvent::KINDS).chain(crate::KeepEvent::KINDS);
        for (name, version) in written {
            assert_eq!(find(name).unwrap().version, *version, "{name}");
        }
    }
}
