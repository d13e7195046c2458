//! Following a run: its events, the person's answers and Ctrl-C, until it ends.

mod gist;
pub(crate) mod narrator;
mod stage;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bottega_api::{ApiError, Ending, RunEvent, RunTotals, codes};
use bottega_client::{Run, RunControl};
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::BoxStream;
use tokio::time::MissedTickBehavior;

use crate::approval::{self, Question};
use crate::figures;
use crate::keyboard::Keyboard;
use crate::report::{self, Failure};
use crate::terminal::{Interrupt, Terminal};
use crate::visible;
use stage::Stage;

/// What a run tells while it is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// What it does, to a person.
    People,
    /// Nothing but the answer and errors.
    Quiet,
    /// Every event, as JSON on standard output.
    Json,
}

/// How the following ended.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) session: String,
    /// How the work ended; absent when the person left before it did.
    pub(crate) ending: Option<Ending>,
    pub(crate) why: Option<String>,
    /// What helps, where that is known better than the ending alone tells.
    pub(crate) next_step: Option<String>,
    pub(crate) answer: String,
    /// Whether the person has read the whole answer already, as it was written.
    pub(crate) answer_seen: bool,
    pub(crate) totals: RunTotals,
    /// Why events could not be written; the work was stopped then.
    pub(crate) unwritten: Option<io::Error>,
}

/// How often the status line is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// Live pieces that are kept while the person thinks about a question; later ones are passed over, since what is
/// stored is told whole anyway.
const KEPT_PIECES: usize = 1_024;

/// Follows a run to its end, or until the person leaves it.
pub(crate) async fn follow(
    run: Run,
    desk: approval::Desk,
    voice: Voice,
    terminal: &mut Terminal,
) -> Result<Followed, Failure> {
    let session = run.session.to_string();
    let (stdout_is_terminal, paint) = (terminal.stdout_is_terminal, terminal.err_paint());
    let watched = terminal.stderr_is_terminal && voice == Voice::People;
    let live = watched && terminal.err_is_screen();
    let (columns, show) = (terminal.err_columns(), terminal.show);
    let Terminal { out, err, keyboard, interrupts, .. } = terminal;
    let narrator = narrator::Narrator::new(narrator::Look {
        paint,
        show,
        columns: watched.then_some(columns),
        answer_streams: watched && stdout_is_terminal,
    });
    let mut following = Following {
        events: run.events,
        control: run.control,
        waiting: VecDeque::new(),
        stopping: None,
        held: None,
        interrupts: 0,
        unwritten: None,
        voice,
        stage: Stage::new(err.as_mut(), narrator, live),
    };
    let mut questions = desk.questions;
    let mut frames = tokio::time::interval(FRAME);
    // While a person thinks about a question no frames are due later.
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = loop {
        let next = match following.waiting.pop_front() {
            Some(event) => Next::Event(Some(event)),
            None => tokio::select! {
                biased;
                Some(how) = interrupts.next() => Next::Interrupt(how),
                () = stopping(&mut following.stopping) => Next::Stopping,
                Some(question) = questions.recv() => Next::Question(question),
                event = following.events.next() => Next::Event(event),
                _ = frames.tick(), if live => Next::Frame,
            },
        };
        match next {
            Next::Interrupt(how) => {
                if following.interrupt(how) == Patience::Over {
                    break None;
                }
            }
            Next::Stopping => {}
            // Work that is being stopped needs no yes.
            Next::Question(question) if following.interrupts > 0 => {
                question.stopped();
            }
            Next::Question(question) => {
                if following.ask(question, keyboard.as_mut(), interrupts).await? == Patience::Over {
                    break None;
                }
            }
            Next::Event(event) => {
                let Some(event) = event else {
                    let why = "the run ended without saying how";
                    return Err(ApiError::new(codes::INTERNAL, why).into());
                };
                if voice == Voice::Json {
                    following.write(&event, out.as_mut());
                }
                following.tell(&event);
                following.stop_behind(&event);
                if let RunEvent::Ended { .. } = event {
                    break Some(event);
                }
            }
            Next::Frame => following.stage.frame(),
        }
    };
    following.stage.close();
    let unwritten = following.unwritten;
    let answer_seen = following.stage.narrator.answer_seen();
    Ok(match ended {
        Some(RunEvent::Ended { ending, why, next_step, answer, session, totals }) => {
            let answer_seen =
                answer_seen.is_some_and(|seen| seen.trim() == visible::shown(&answer).trim());
            let ending = Some(ending);
            Followed { session, ending, why, next_step, answer, answer_seen, totals, unwritten }
        }
        Some(_) | None => Followed {
            session,
            ending: None,
            why: None,
            next_step: None,
            answer: String::new(),
            answer_seen: false,
            totals: RunTotals::default(),
            unwritten,
        },
    })
}

enum Next {
    Interrupt(Interrupt),
    Stopping,
    Question(Question),
    Event(Option<RunEvent>),
    Frame,
}

/// Whether the person still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Left,
    Over,
}

struct Following<'t> {
    events: BoxStream<'static, RunEvent>,
    control: Arc<dyn RunControl>,
    /// Events that came while the person was asked.
    waiting: VecDeque<RunEvent>,
    /// The stop on its way to the session.
    stopping: Option<BoxFuture<'static, ()>>,
    /// A stop that waits for the result of the call that was declined.
    held: Option<BoxFuture<'static, ()>>,
    interrupts: u32,
    /// Why events can't be written any more.
    unwritten: Option<io::Error>,
    voice: Voice,
    stage: Stage<'t>,
}

/// Carries a stop to the session; waits for ever when there is none.
async fn stopping(stopping: &mut Option<BoxFuture<'static, ()>>) {
    match stopping {
        Some(stop) => {
            stop.await;
            *stopping = None;
        }
        None => std::future::pending().await,
    }
}

impl Following<'_> {
    fn tell(&mut self, event: &RunEvent) {
        match self.voice {
            Voice::People => self.stage.tell(event),
            Voice::Quiet | Voice::Json => {}
        }
    }

    /// Writes an event for scripts. When nobody can read any more the work is stopped: what it did and cost
    /// would go unseen.
    fn write(&mut self, event: &RunEvent, out: &mut dyn Write) {
        if self.unwritten.is_some() {
            return;
        }
        let written = serde_json::to_string(event).map_err(io::Error::other);
        let written = written.and_then(|line| writeln!(out, "{line}"));
        if let Err(error) = written.and_then(|()| out.flush()) {
            self.unwritten = Some(error);
            self.stop();
        }
    }

    fn stop(&mut self) {
        self.interrupts += 1;
        let control = Arc::clone(&self.control);
        self.stopping = Some(async move { control.interrupt().await }.boxed());
    }

    /// Lets a stop go on its way that waited for the declined call to be stored.
    fn stop_behind(&mut self, event: &RunEvent) {
        let denied = matches!(event, RunEvent::ToolResult { outcome, .. } if outcome == "denied");
        let stored = denied || matches!(event, RunEvent::Turn { .. });
        if stored && let Some(stop) = self.held.take() {
            self.stopping = Some(stop);
        }
    }

    fn interrupt(&mut self, how: Interrupt) -> Patience {
        if self.interrupts > 0 {
            return Patience::Over;
        }
        self.stop();
        if self.voice != Voice::Json {
            self.stage.write(match how {
                Interrupt::CtrlC => "stopping; press Ctrl-C again to leave at once\n",
                Interrupt::Terminate => {
                    "asked to end (SIGTERM): stopping; a second signal ends at once\n"
                }
            });
        }
        Patience::Left
    }

    /// Asks the person while the run goes on.
    async fn ask(
        &mut self,
        mut question: Question,
        keyboard: &mut dyn Keyboard,
        interrupts: &mut BoxStream<'static, Interrupt>,
    ) -> Result<Patience, Failure> {
        let paint = self.stage.narrator.paint();
        self.stage.write(&question.prompt(paint));
        loop {
            self.stage.write_open(&question.answers(paint));
            let typed = keyboard.line();
            tokio::pin!(typed);
            let typed = loop {
                tokio::select! {
                    biased;
                    Some(how) = interrupts.next() => {
                        self.stage.write("\n");
                        let patience = self.interrupt(how);
                        // First the answer is stored, then the work stops: the session tells that a person
                        // declined, not that something broke off.
                        if question.stopped() && patience == Patience::Left {
                            self.held = self.stopping.take();
                        }
                        return Ok(patience);
                    }
                    () = question.closed() => {
                        self.stage.write("\n  the question was taken back\n");
                        return Ok(Patience::Left);
                    }
                    typed = &mut typed => break typed.map_err(report::unread)?,
                    Some(event) = self.events.next() => {
                        let over = matches!(event, RunEvent::Ended { .. });
                        self.keep(event);
                        if over {
                            self.stage.write("\n");
                            return Ok(Patience::Left);
                        }
                    }
                }
            };
            self.stage.write("");
            match question.settle(typed) {
                Ok(told) => {
                    self.stage.write(told.unwrap_or_default());
                    return Ok(Patience::Left);
                }
                Err(again) => question = again,
            }
            self.stage.write(question.help());
        }
    }

    fn keep(&mut self, event: RunEvent) {
        let live = matches!(
            event,
            RunEvent::Text { .. }
                | RunEvent::Reasoning { .. }
                | RunEvent::ToolOutput { .. }
                | RunEvent::Prompt { .. }
        );
        // Scripts get every event; nobody is asked there, so nothing waits.
        if !live || self.waiting.len() < KEPT_PIECES {
            self.waiting.push_back(event);
        }
    }
}

/// Tells how it ended, the answer on standard output and the rest on standard error, and gives the exit code.
pub(crate) fn conclude(followed: &Followed, voice: Voice, terminal: &mut Terminal) -> u8 {
    let form = if voice == Voice::Json { report::Form::Json } else { report::Form::People };
    let unwritten = followed.unwritten.as_ref().and_then(report::unwritten);
    if let Some(error) = unwritten {
        let next = format!("the work was stopped; `bottega resume {}` goes on", followed.session);
        return report::report(terminal, &error.step(next), form);
    }
    let Some(ending) = followed.ending else {
        let interrupted = ApiError::new(codes::INTERRUPTED, "left before the work ended")
            .step(format!("run `bottega resume {}` to go on", followed.session));
        return report::report(terminal, &interrupted, form);
    };
    if voice == Voice::Json {
        return ending.exit();
    }
    let unsaid = answer(followed, terminal).err().as_ref().and_then(report::unwritten);
    if voice == Voice::People && terminal.show.cost {
        let line = closing(followed, terminal.stderr_is_terminal.then(|| terminal.err_columns()));
        let line = terminal.err_paint().dim(&line);
        terminal.note(&format!("{line}\n"));
    }
    if let Some(error) = report::of_ending(ending, followed.why.as_deref()) {
        let next = followed.next_step.as_ref().unwrap_or(&error.next_step);
        let next = named(next, &followed.session);
        report::report(terminal, &error.step(next), form);
    }
    match unsaid {
        Some(error) => {
            let next =
                format!("run `bottega sessions show {}` to read the answer", followed.session);
            report::report(terminal, &error.step(next), form)
        }
        None => ending.exit(),
    }
}

/// What the work took, and its session as far as that fits the line: whole, by the end that names it as well, or
/// not at all, since the first line told it.
fn closing(followed: &Followed, columns: Option<usize>) -> String {
    let totals = figures::totals(&followed.totals);
    let whole = format!("{totals} · {}", followed.session);
    let Some(columns) = columns else { return whole };
    let short = format!("{totals} · {}", figures::short(&followed.session));
    let fitting = [whole, short].into_iter().find(|line| visible::width(line) <= columns);
    fitting.unwrap_or(totals)
}

/// A next step with the session in its commands, so that it can be copied as it stands.
fn named(step: &str, session: &str) -> String {
    let commands = ["bottega resume", "bottega sessions show"];
    commands.into_iter().fold(step.to_owned(), |step, command| {
        step.replace(&format!("{command}`"), &format!("{command} {session}`"))
            .replace(&format!("{command} --"), &format!("{command} {session} --"))
    })
}

fn answer(followed: &Followed, terminal: &mut Terminal) -> io::Result<()> {
    if followed.answer.is_empty() || followed.answer_seen {
        return Ok(());
    }
    // Other programs get the words as they are, less what would only steer a terminal.
    let answer = if terminal.stdout_is_terminal {
        visible::shown(&followed.answer)
    } else {
        bottega_tool::plain(&followed.answer).into_owned()
    };
    terminal.say(&format!("{}\n", answer.trim_end_matches('\n')))
}
