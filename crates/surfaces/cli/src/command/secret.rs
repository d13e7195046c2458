//! `bottega secret`: keys and tokens.

use bottega_api::codes;
use bottega_types::Secret;
use clap::{Args, Subcommand};

use super::Desk;
use crate::keyboard::Typed;
use crate::report::{Failure, unread, usage};
use crate::table::Table;
use crate::terminal::Terminal;

/// Keep keys and tokens, in the system's keyring or an encrypted file
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega secret set SOME_PROVIDER_KEY            asks, and shows nothing
  pass show some/key | bottega secret set SOME_PROVIDER_KEY
  bottega secret list

A secret is never an argument: other users of the machine could read it there.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Keep a secret; its value comes from standard input
    Set {
        /// Its name, as settings call it: `secret:NAME` or `${NAME}`
        name: String,
    },
    /// Names of the secrets that are kept
    List,
    /// Forget a secret
    Rm {
        /// Its name
        name: String,
    },
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let machine = desk.entrance.machine()?;
    match arguments.what {
        What::Set { name } => {
            let value = value(&name, &mut desk.terminal).await?;
            let place = machine.set_secret(&name, value)?;
            let view = serde_json::json!({ "name": name, "place": place });
            desk.show(&view, |_| format!("{name} is kept in {place}\n"))
        }
        What::List => {
            let secrets = machine.secrets()?;
            desk.show(&secrets, |terminal| {
                if secrets.is_empty() {
                    return "no secrets are kept\n".to_owned();
                }
                let mut table = Table::new(&["NAME", "PLACE"]);
                for secret in &secrets {
                    table.row(&[secret.name.clone(), secret.place.clone()]);
                }
                table.render(terminal.out_columns(), terminal.out_paint())
            })
        }
        What::Rm { name } => {
            machine.remove_secret(&name)?;
            desk.show(&serde_json::json!({ "removed": name }), |_| format!("{name} is forgotten\n"))
        }
    }
}

async fn value(name: &str, terminal: &mut Terminal) -> Result<Secret<String>, Failure> {
    let asked = terminal.stdin_is_terminal;
    if asked {
        terminal.note(&format!("value of {name} (not shown): "));
    }
    let Terminal { keyboard, interrupts, .. } = terminal;
    let read = async {
        if asked {
            return keyboard.hidden().await.map_err(unread);
        }
        let bytes = keyboard.everything().await.map_err(unread)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            usage("the value is no UTF-8 text", "encode it first, as in `base64 < key`")
        })?;
        Ok::<_, Failure>(Typed::Text(text))
    };
    let interrupted = Failure::Silent(codes::INTERRUPTED.exit);
    let text = match Terminal::unless_interrupted(interrupts, read).await {
        Some(Ok(Typed::Text(text))) => text,
        Some(Ok(Typed::End | Typed::Gone)) => String::new(),
        Some(Ok(Typed::Interrupt)) | None => return Err(interrupted),
        Some(Err(error)) => return Err(error),
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(usage("the value is empty", "pipe it in, or type it when asked"));
    }
    Ok(Secret::new(text.to_owned()))
}
