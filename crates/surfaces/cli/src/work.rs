//! The flags that steer work, shared by `run`, `chat` and `resume`.

use bottega_api::RunRequest;
use bottega_policy::AccessMode;
use bottega_types::Money;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::invocation::Override;

/// The flags that steer work. What is absent comes from the settings.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Work")]
pub(crate) struct Work {
    /// The model, as PROVIDER/NAME, or the name of a route
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,

    /// How much may be done without asking
    #[arg(
        short,
        long,
        value_name = "MODE",
        value_parser = PossibleValuesParser::new(AccessMode::ALL.map(AccessMode::as_str))
            .try_map(|text| text.parse::<AccessMode>())
    )]
    pub(crate) access_mode: Option<AccessMode>,

    /// Questions to the model at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_turns: Option<u32>,

    /// Tokens at most, prompts and answers together
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u64>,

    /// US dollars at most, as in 0.50
    #[arg(long, value_name = "USD", value_parser = money)]
    pub(crate) max_cost: Option<String>,

    /// Time at most, as in 90s, 10m or 2h
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) max_time: Option<u64>,

    /// Make draws repeatable where the model can
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl Work {
    /// A request for `task` under these flags.
    pub(crate) fn request(&self, task: String) -> RunRequest {
        RunRequest {
            task,
            attachments: Vec::new(),
            model: self.model.clone(),
            access_mode: self.access_mode,
            max_turns: self.max_turns,
            max_tokens: self.max_tokens,
            max_cost: self.max_cost.clone(),
            max_seconds: self.max_time,
            seed: self.seed,
            output_schema: None,
            ..RunRequest::default()
        }
    }

    /// The settings that these flags set. The model is none of them: it goes with the request, and may be written as
    /// no setting is, by the bare name of a local model.
    pub(crate) fn overrides(&self) -> Vec<Override> {
        let number = |number: u64| number.to_string();
        let rows = [
            ("--access-mode", "access.mode", self.access_mode.map(|mode| mode.to_string())),
            ("--max-turns", "limits.turns", self.max_turns.map(|turns| number(turns.into()))),
            ("--max-tokens", "budget.per_run.tokens", self.max_tokens.map(number)),
            ("--max-cost", "budget.per_run.money", self.max_cost.clone()),
            ("--max-time", "limits.time", self.max_time.map(|seconds| format!("{seconds}s"))),
            ("--seed", "model.sampling.seed", self.seed.map(number)),
        ];
        rows.into_iter()
            .filter_map(|(flag, path, value)| {
                Some(Override { flag, path: path.to_owned(), value: value? })
            })
            .collect()
    }
}

fn money(text: &str) -> Result<String, bottega_types::NotMoney> {
    text.parse::<Money>().map(|_| text.trim().trim_start_matches('$').to_owned())
}

/// `90`, `90s`, `10m`, `2h` in seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) => (digits, text.as_bytes().last().copied()),
        None => (text, None),
    };
    let each = match unit {
        Some(b'm') => 60,
        Some(b'h') => 3_600,
        Some(_) | None => 1,
    };
    let count: Option<u64> = digits.parse().ok();
    count
        .and_then(|count| count.checked_mul(each))
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "write a time as 90s, 10m or 2h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("10m"), Ok(600));
        assert_eq!(seconds("2h"), Ok(7_200));
        for text in ["", "0", "-1", "h", "1d", "99999999999999999999h"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn money_is_plain() {
        assert_eq!(money("$0.50").as_deref(), Ok("0.50"));
        assert!(money("cheap").is_err());
    }
}
