//! `bottega doctor`: is everything as it should be?

use bottega_api::{CheckState, DoctorReport, codes};
use clap::Args;

use super::Desk;
use crate::report::Failure;
use crate::terminal::Terminal;
use crate::visible;

/// Look at everything that work depends on, and say what to mend
///
/// Ends with exit code 1 when something won't work.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Verify the journal's chain from its first record, not only its latest part
    #[arg(long)]
    full: bool,
}

pub(super) async fn execute(arguments: &Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let machine = desk.entrance.machine()?;
    let Terminal { interrupts, .. } = &mut desk.terminal;
    let report = Terminal::unless_interrupted(interrupts, machine.doctor(arguments.full)).await;
    let report = report.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??;
    desk.show(&report, |terminal| told(&report, terminal))?;
    Ok(u8::from(report.checks.iter().any(|check| check.state == CheckState::Bad)))
}

fn told(report: &DoctorReport, terminal: &Terminal) -> String {
    let paint = terminal.out_paint();
    let names = || report.checks.iter().map(|check| visible::first_line(&check.name));
    // `sandbox: files` stands below `sandbox`, without its name.
    let within = |name: &str| match name.split_once(": ") {
        Some((group, rest)) if names().any(|other| other == group) => Some(rest.to_owned()),
        Some(_) | None => None,
    };
    let alone = names().filter(|name| within(name).is_none());
    let widest = alone.map(|name| visible::width(&name)).max().unwrap_or(0);
    let mut text = format!("bottega {}\n", visible::first_line(&report.version));
    for check in &report.checks {
        let mark = match check.state {
            CheckState::Good => paint.green("✓"),
            CheckState::Warning => paint.yellow("!"),
            CheckState::Bad => paint.red("✗"),
        };
        let name = visible::first_line(&check.name);
        let found = visible::first_line(&check.found);
        text.push_str(&match within(&name) {
            Some(rest) => format!("  {mark} {rest}: {found}\n"),
            None => {
                let blanks = " ".repeat(widest.saturating_sub(visible::width(&name)));
                format!("{mark} {name}{blanks}  {found}\n")
            }
        });
        if !check.next_step.is_empty() {
            let next = visible::first_line(&check.next_step);
            text.push_str(&format!("    {} {next}\n", paint.cyan("next:")));
        }
    }
    let count = |state| report.checks.iter().filter(|check| check.state == state).count();
    let (warnings, bad) = (count(CheckState::Warning), count(CheckState::Bad));
    text.push_str(&match (warnings, bad) {
        (0, 0) => "all is well\n".to_owned(),
        (warnings, 0) => format!("{warnings} to look at; everything works\n"),
        (_, bad) => format!("{bad} won't work as things are\n"),
    });
    text
}
