//! `bottega chat`: turn by turn.

mod slash;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bottega_api::{ApiError, Ending, RunRequest, codes};
use bottega_client::Sessions;
use bottega_types::SessionId;
use clap::Args;

use super::Desk;
use crate::approval;
use crate::figures;
use crate::follow::{Voice, conclude, follow};
use crate::keyboard::Typed;
use crate::report::{Failure, Form, HANGUP, report, unread, usage};
use crate::terminal::Terminal;
use crate::visible;
use crate::work::Work;
use slash::Slash;

/// Talk with the agent, turn by turn
///
/// Enter sends a message; Alt-Enter, or a backslash at the line's end, begins a new line. Ctrl-C stops the work
/// under way, twice ends; `/help` lists what else can be typed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega chat
  bottega chat -m local/qwen2.5-coder-1.5b -a auto
  bottega chat --continue")]
pub(crate) struct Arguments {
    /// Go on in this session: an id, or its beginning or end
    #[arg(short, long, value_name = "SESSION", conflicts_with = "last")]
    session: Option<String>,

    /// Go on in the last session of this folder
    #[arg(long = "continue")]
    last: bool,

    #[command(flatten)]
    work: Work,
}

impl Arguments {
    pub(super) const fn work(&self) -> &Work {
        &self.work
    }
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let Arguments { session, last, work } = arguments;
    let terminal = &desk.terminal;
    if !(terminal.can_ask() && terminal.stdout_is_terminal) || desk.form() == Form::Json {
        return Err(usage("a chat needs a terminal", "use `bottega run \"task\"` in scripts"));
    }
    let sessions = desk.entrance.sessions().await?;
    let session = match session.as_deref().or_else(|| last.then_some("last")) {
        Some(text) => Some(sessions.find(text).await?),
        None => None,
    };
    let mut chat = Chat { sessions, session, work, exit: 0, stopped: None };
    desk.tell_notices()?;
    chat.greet(desk);
    chat.talk(desk).await?;
    if let Some(session) = chat.session {
        let line = desk.terminal.err_paint().dim(&format!("`bottega resume {session}` goes on"));
        desk.terminal.note(&format!("{line}\n"));
    }
    Ok(chat.exit)
}

/// Whether the talk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    On,
    Over,
}

struct Chat {
    sessions: Arc<dyn Sessions>,
    session: Option<SessionId>,
    /// What the next task runs under.
    work: Work,
    /// The exit code of the last task.
    exit: u8,
    /// When a person stopped it.
    stopped: Option<Instant>,
}

/// How soon after stopping the work another Ctrl-C means to leave: the work may have ended in between.
const SOON: Duration = Duration::from_secs(2);

impl Chat {
    fn greet(&self, desk: &mut Desk<'_>) {
        let mut words = "Write what to do. /help lists commands, Ctrl-D ends.".to_owned();
        if let Some(session) = self.session {
            words = format!("{session} goes on. {words}");
        }
        let line = desk.terminal.err_paint().dim(&words);
        desk.terminal.note(&format!("{line}\n"));
    }

    async fn talk(&mut self, desk: &mut Desk<'_>) -> Result<(), Failure> {
        let mut pressed = 0;
        loop {
            let Terminal { keyboard, interrupts, dumb, .. } = &mut desk.terminal;
            let message = keyboard.message("bottega");
            // A line editor is told of Ctrl-C itself; without one it comes as a signal.
            let typed = match *dumb {
                true => Terminal::unless_interrupted(interrupts, message).await,
                false => Some(message.await),
            };
            let text = match typed.unwrap_or(Ok(Typed::Interrupt)).map_err(unread)? {
                Typed::Text(text) => text,
                Typed::End => return Ok(()),
                Typed::Gone => return Err(Failure::Silent(HANGUP)),
                Typed::Interrupt
                    if pressed > 0 || self.stopped.is_some_and(|at| at.elapsed() < SOON) =>
                {
                    return Ok(());
                }
                Typed::Interrupt => {
                    pressed += 1;
                    desk.terminal.note("press Ctrl-C again, or Ctrl-D, to end\n");
                    continue;
                }
            };
            pressed = 0;
            let told = match slash::read(&text) {
                Ok(None) => continue,
                Ok(Some(Slash::Say(task))) => {
                    let done = self.task(task, desk).await;
                    if let Err(Failure::Told(error)) = &done {
                        self.exit = error.exit;
                    }
                    done
                }
                Ok(Some(command)) => self.command(command, desk).await,
                Err(error) => Err(error.into()),
            };
            match told {
                Ok(Talk::On) => {}
                Ok(Talk::Over) => return Ok(()),
                // What went wrong is told, and the talk goes on.
                Err(Failure::Told(error)) => {
                    report(&mut desk.terminal, &error, Form::People);
                }
                Err(other) => return Err(other),
            }
        }
    }

    async fn task(&mut self, task: String, desk: &mut Desk<'_>) -> Result<Talk, Failure> {
        let request = RunRequest { session: self.session, ..self.work.request(task) };
        let (approver, mut questions) = approval::desk(true);
        let run = match self.sessions.run(request.clone(), approver).await {
            Err(error) if super::model::is_missing(&error, &request) => {
                super::model::offer(error, desk).await?;
                let (approver, desk) = approval::desk(true);
                questions = desk;
                self.sessions.run(request, approver).await?
            }
            other => other?,
        };
        self.session = Some(run.session);
        let followed = follow(run, questions, Voice::People, &mut desk.terminal).await?;
        self.exit = conclude(&followed, Voice::People, &mut desk.terminal);
        self.stopped = (followed.ending == Some(Ending::Interrupted)).then(Instant::now);
        Ok(if followed.ending.is_some() { Talk::On } else { Talk::Over })
    }

    async fn command(&mut self, command: Slash, desk: &mut Desk<'_>) -> Result<Talk, Failure> {
        let told = match command {
            Slash::Say(task) => return self.task(task, desk).await,
            Slash::Quit => return Ok(Talk::Over),
            Slash::Help => slash::help(),
            Slash::Model(None) => match &self.work.model {
                Some(model) => format!("the next task asks {}\n", visible::first_line(model)),
                None => "the next task asks the model that it asked before\n".to_owned(),
            },
            Slash::Model(Some(model)) => {
                // Refused here and not in the midst of the next task.
                let model = self.sessions.model(&model).await?;
                let told = format!("the next task asks {}\n", visible::first_line(&model));
                self.work.model = Some(model);
                told
            }
            Slash::Mode(None) => match self.work.access_mode {
                Some(mode) => format!("the next task runs in access mode {mode}\n"),
                None => "the next task keeps its access mode\n".to_owned(),
            },
            Slash::Mode(Some(mode)) => {
                self.work.access_mode = Some(mode);
                format!("the next task runs in access mode {mode}\n")
            }
            Slash::Undo(steps) => {
                let undone = self.sessions.undo(self.present()?, Some(steps)).await?;
                super::sessions::undone(&undone, desk.terminal.err_paint())
            }
            Slash::Cost => {
                let detail = self.sessions.show(self.present()?).await?;
                format!("{}\n", figures::totals(&detail.summary.totals))
            }
            Slash::Compact => {
                let kept = self.sessions.compact(self.present()?).await?;
                let kept = figures::counted(kept.into(), "message", "messages");
                format!("shortened the history; the last {kept} stay as they are\n")
            }
        };
        desk.terminal.note(&told);
        Ok(Talk::On)
    }

    fn present(&self) -> Result<SessionId, Failure> {
        self.session.ok_or_else(|| {
            ApiError::new(codes::NO_SESSION, "the talk has not begun")
                .step("give a task first")
                .into()
        })
    }
}
