//! Following a run: its events, the person's answers and Ctrl-C, until it ends.

mod gist;
mod narrator;
mod stage;

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bottega_api::{ApiError, Ending, RunEvent, RunTotals, codes};
use bottega_client::{Run, RunControl};
use bottega_policy::Approval;
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::BoxStream;
use tokio::time::MissedTickBehavior;

use crate::approval::{self, Question};
use crate::figures;
use crate::keyboard::Keyboard;
use crate::report::{self, Failure};
use crate::terminal::Terminal;
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
    pub(crate) answer: String,
    /// Whether the person has read the whole answer already, as it was written.
    pub(crate) answer_seen: bool,
    pub(crate) totals: RunTotals,
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
    let live = terminal.stderr_is_terminal && voice == Voice::People;
    let (columns, show) = (terminal.err_columns(), terminal.show);
    let Terminal { out, err, keyboard, interrupts, .. } = terminal;
    let narrator = narrator::Narrator::new(narrator::Look {
        paint,
        show,
        columns: live.then_some(columns),
        answer_streams: live && stdout_is_terminal,
    });
    let mut following = Following {
        events: run.events,
        control: run.control,
        waiting: VecDeque::new(),
        stopping: None,
        interrupts: 0,
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
                Some(()) = interrupts.next() => Next::Interrupt,
                () = stopping(&mut following.stopping) => Next::Stopping,
                Some(question) = questions.recv() => Next::Question(question),
                event = following.events.next() => Next::Event(event),
                _ = frames.tick(), if live => Next::Frame,
            },
        };
        match next {
            Next::Interrupt => {
                if following.interrupt()? == Patience::Over {
                    break None;
                }
            }
            Next::Stopping => {}
            // Work that is being stopped needs no yes: the question goes unanswered, which counts as no.
            Next::Question(_) if following.interrupts > 0 => {}
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
                    let line = serde_json::to_string(&event).map_err(std::io::Error::other)?;
                    writeln!(out, "{line}")?;
                    out.flush()?;
                }
                following.tell(&event)?;
                if let RunEvent::Ended { .. } = event {
                    break Some(event);
                }
            }
            Next::Frame => following.stage.frame()?,
        }
    };
    following.stage.close()?;
    let answer_seen = following.stage.narrator.answer_seen();
    Ok(match ended {
        Some(RunEvent::Ended { ending, why, answer, session, totals }) => {
            let answer_seen =
                answer_seen.is_some_and(|seen| seen.trim() == visible::shown(&answer).trim());
            Followed { session, ending: Some(ending), why, answer, answer_seen, totals }
        }
        Some(_) | None => Followed {
            session,
            ending: None,
            why: None,
            answer: String::new(),
            answer_seen: false,
            totals: RunTotals::default(),
        },
    })
}

enum Next {
    Interrupt,
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
    interrupts: u32,
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
    fn tell(&mut self, event: &RunEvent) -> std::io::Result<()> {
        match self.voice {
            Voice::People => self.stage.tell(event),
            Voice::Quiet | Voice::Json => Ok(()),
        }
    }

    fn interrupt(&mut self) -> std::io::Result<Patience> {
        self.interrupts += 1;
        if self.interrupts > 1 {
            return Ok(Patience::Over);
        }
        let control = Arc::clone(&self.control);
        self.stopping = Some(async move { control.interrupt().await }.boxed());
        if self.voice != Voice::Json {
            self.stage.write("stopping; press Ctrl-C again to leave at once\n")?;
        }
        Ok(Patience::Left)
    }

    /// Asks the person while the run goes on.
    async fn ask(
        &mut self,
        question: Question,
        keyboard: &mut dyn Keyboard,
        interrupts: &mut BoxStream<'static, ()>,
    ) -> std::io::Result<Patience> {
        let Question { request, mut reply } = question;
        let paint = self.stage.narrator.paint();
        self.stage.write(&approval::prompt(&request, paint))?;
        loop {
            self.stage.write_open(&approval::answers(paint))?;
            let typed = keyboard.line();
            tokio::pin!(typed);
            let typed = loop {
                tokio::select! {
                    biased;
                    Some(()) = interrupts.next() => {
                        // The reply goes unanswered, which counts as no.
                        self.stage.write("\n")?;
                        return self.interrupt();
                    }
                    () = reply.closed() => {
                        self.stage.write("\n  the question was taken back\n")?;
                        return Ok(Patience::Left);
                    }
                    typed = &mut typed => break typed?,
                    Some(event) = self.events.next() => {
                        let over = matches!(event, RunEvent::Ended { .. });
                        self.keep(event);
                        if over {
                            self.stage.write("\n")?;
                            return Ok(Patience::Left);
                        }
                    }
                }
            };
            self.stage.write("")?;
            if let Some(answer) = approval::understand(typed) {
                if let Approval::Denied { .. } = &answer {
                    self.stage.write("  not approved\n")?;
                }
                // Whoever asked may be gone: then nobody needs the answer.
                let _ = reply.send(answer);
                return Ok(Patience::Left);
            }
            self.stage.write("  answer y, a, or n with a reason\n")?;
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
pub(crate) fn conclude(
    followed: &Followed,
    voice: Voice,
    terminal: &mut Terminal,
) -> Result<u8, Failure> {
    let Some(ending) = followed.ending else {
        let interrupted = ApiError::new(codes::INTERRUPTED, "left before the work ended")
            .step(format!("run `bottega resume {}` to go on", followed.session));
        let form = if voice == Voice::Json { report::Form::Json } else { report::Form::People };
        return Ok(report::report(terminal, &interrupted, form));
    };
    if voice == Voice::Json {
        return Ok(ending.exit());
    }
    if !followed.answer.is_empty() && !followed.answer_seen {
        // Other programs get the words as they are, less what would only steer a terminal.
        let answer = if terminal.stdout_is_terminal {
            visible::shown(&followed.answer)
        } else {
            bottega_tool::plain(&followed.answer).into_owned()
        };
        terminal.say(&format!("{}\n", answer.trim_end_matches('\n')))?;
    }
    if voice == Voice::People && terminal.show.cost {
        let line = format!("{} · {}", figures::totals(&followed.totals), followed.session);
        let line = terminal.err_paint().dim(&line);
        terminal.note(&format!("{line}\n"))?;
    }
    if let Some(error) = report::of_ending(ending, followed.why.as_deref()) {
        let error = match ending {
            Ending::Limit | Ending::Interrupted => {
                let next = error
                    .next_step
                    .replace("bottega resume`", &format!("bottega resume {}`", followed.session));
                error.step(next)
            }
            Ending::Done | Ending::Failed | Ending::Refused | Ending::Provider => error,
        };
        report::report(terminal, &error, report::Form::People);
    }
    Ok(ending.exit())
}
