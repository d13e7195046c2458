//! Whether a message can be sent at all. Pure.

use bottega_acl::Message;
use bottega_types::Timestamp;

/// Why a message can be sent to nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Inadmissible {
    #[error("it names no receiver")]
    NoReceiver,
    #[error("it names {found} receivers; at most {most} are reached by one message")]
    TooMany { found: usize, most: usize },
    #[error("its content has {found} bytes; at most {most} are carried")]
    TooLarge { found: usize, most: usize },
    #[error("its reply-by has passed")]
    Expired,
}

/// What a message may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) receivers: usize,
    pub(crate) content: usize,
}

/// Looks at a message that is to be sent now.
pub(crate) fn check(
    message: &Message,
    bounds: Bounds,
    now: impl FnOnce() -> Timestamp,
) -> Result<(), Inadmissible> {
    let found = message.receivers.as_slice().len();
    if found == 0 {
        return Err(Inadmissible::NoReceiver);
    }
    if found > bounds.receivers {
        return Err(Inadmissible::TooMany { found, most: bounds.receivers });
    }
    let found = message.content.as_ref().map_or(0, |content| content.as_bytes().len());
    if found > bounds.content {
        return Err(Inadmissible::TooLarge { found, most: bounds.content });
    }
    // The usual message says nothing of a deadline and asks for no look at it.
    if message.reply_by().is_some() {
        let now = now();
        if message.deadline(now).is_some_and(|deadline| deadline < now) {
            return Err(Inadmissible::Expired);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bottega_acl::{Aid, Performative, ReplyBy};

    use super::*;

    #[track_caller]
    fn check_it(message: &Message, expected: Result<(), &str>) {
        let now = Timestamp::from_millis(10_000);
        let bounds = Bounds { receivers: 2, content: 4 };
        let actual = check(message, bounds, || now).map_err(|why| why.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    }

    #[test]
    fn what_can_not_be_sent_says_why() {
        let aid = |name: &str| -> Aid { name.parse().unwrap() };
        let inform = || Message::new(Performative::Inform);
        check_it(&inform().to(aid("a@here")).about("1234"), Ok(()));
        check_it(&inform(), Err("it names no receiver"));
        let three: bottega_acl::Receivers = ["a@h", "b@h", "c@h"].map(aid).into_iter().collect();
        let many = "it names 3 receivers; at most 2 are reached by one message";
        check_it(&inform().to(three), Err(many));
        let large = "its content has 5 bytes; at most 4 are carried";
        check_it(&inform().to(aid("a@here")).about("12345"), Err(large));
        let by = |millis| ReplyBy::At(Timestamp::from_millis(millis));
        check_it(&inform().to(aid("a@here")).with_reply_by(by(10_000)), Ok(()));
        check_it(
            &inform().to(aid("a@here")).with_reply_by(by(9_000)),
            Err("its reply-by has passed"),
        );
        let soon = ReplyBy::Within(Duration::from_secs(1));
        check_it(&inform().to(aid("a@here")).with_reply_by(soon), Ok(()));
    }
}
