//! Who asks, what an endpoint needs of them, and whether that is enough.
//!
//! The one place where that is decided. There is one token today, and whoever has it may do everything; roles will be further
//! principals, and nothing else will change.

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// Nobody knows who.
    Anybody,
    /// Whoever has the server's token: its person, and the programs to which they gave it.
    Owner,
}

/// What an endpoint or a call needs of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: it tells no more than how the server is.
    Nothing,
    /// To see what agents do and say. It changes nothing.
    Look,
    /// To speak with agents, and for them: messages, tenders, topics, the blackboard.
    Speak,
    /// To decide who lives here, and as what.
    Manage,
}

/// Whether that principal may have what needs this.
pub(crate) const fn admits(principal: Principal, needs: Needs) -> bool {
    match (principal, needs) {
        (Principal::Owner, Needs::Nothing | Needs::Look | Needs::Speak | Needs::Manage)
        | (Principal::Anybody, Needs::Nothing) => true,
        (Principal::Anybody, Needs::Look | Needs::Speak | Needs::Manage) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_token_may_do_everything_and_nobody_else_anything() {
        let all = [Needs::Nothing, Needs::Look, Needs::Speak, Needs::Manage];
        assert_eq!(all.map(|needs| admits(Principal::Owner, needs)), [true; 4]);
        assert_eq!(all.map(|needs| admits(Principal::Anybody, needs)), [true, false, false, false]);
    }
}
