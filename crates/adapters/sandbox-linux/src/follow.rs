//! Follows a command from its start to its end.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bottega_tool::{
    CommandOutcome, CommandSink, CommandSpec, Egress, Ending, SandboxError, StreamName,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::cage::Stage;
use crate::excerpt::Excerpt;
use crate::line::{Line, Word};
use crate::process::Process;

/// How long the last output of killed processes is waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// How long the keeper has to kill everything before the command counts as lost.
const KILL: Duration = Duration::from_secs(10);

/// Bytes of output that are taken at once: half of what a pipe holds.
const READ: usize = 32 << 10;

/// How many refused connections are told.
const REFUSALS: usize = 20;

/// A command that runs. Dropping it closes the line, and the keeper kills everything.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) line: Line,
    pub(crate) keeper: Process,
    pub(crate) out: Receiver,
    pub(crate) err: Receiver,
    /// The door to the egress proxy, where it is open from the beginning.
    pub(crate) door: Option<TcpListener>,
    /// What its cage lacks, to be said with its output.
    pub(crate) lack: Option<&'static str>,
}

/// What became of the main process.
#[derive(Debug)]
enum Fate {
    Ended(i32),
    NotStarted(io::Error),
    Failed(String),
}

/// What a word says.
#[derive(Debug)]
enum Told {
    Fate(Fate),
    Door(OwnedFd),
    /// Nothing is left; whether that includes the network.
    Empty(bool),
}

impl Told {
    fn of(word: Word) -> Self {
        let error = io::Error::from_raw_os_error;
        match word {
            Word::Ended(status) => Self::Fate(Fate::Ended(status)),
            Word::NotStarted(number) => Self::Fate(Fate::NotStarted(error(number))),
            Word::Failed(stage, number) => {
                Self::Fate(Fate::Failed(format!("{} ({})", Stage::named(stage), error(number))))
            }
            Word::Door(door) => Self::Door(door),
            Word::Empty(network_too) => Self::Empty(network_too),
        }
    }
}

/// Connections that were refused: what is told of them.
#[derive(Default)]
struct Refused(Mutex<Vec<String>>);

impl Refused {
    fn hear(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < REFUSALS && !lines.contains(&line) {
            lines.push(line);
        }
    }

    fn tell(self) -> Vec<String> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves while there is something to serve.
async fn served(serving: &mut Option<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    match serving {
        Some(serving) => serving.await,
        None => std::future::pending().await,
    }
}

/// Follows a command to its end: the main process has ended, its pipes are closed, and nothing is left. Calls `empty`
/// when nothing is left in its network either.
pub(crate) async fn follow(
    running: Running,
    spec: &CommandSpec,
    sink: &dyn CommandSink,
    egress: Option<&dyn Egress>,
    started: Instant,
    empty: impl FnOnce(),
) -> Result<CommandOutcome, SandboxError> {
    let Running { line, mut keeper, mut out, mut err, door, lack } = running;
    let (mut out_open, mut err_open, mut line_open) = (true, true, true);
    let (mut gone, mut timed_out, mut fate) = (false, false, None);
    let mut network_empty = false;

    let mut excerpt = Excerpt::new(spec.keep_output);
    let (mut out_buffer, mut err_buffer) = (Vec::with_capacity(READ), Vec::with_capacity(READ));
    let timer = tokio::time::sleep(spec.timeout);
    tokio::pin!(timer);
    let refused = Refused::default();
    let hear = |line| refused.hear(line);
    let serve = |door| -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match egress {
            Some(egress) => egress.serve(door, &spec.hosts, &hear),
            None => Box::pin(std::future::pending()),
        }
    };
    let mut serving = door.map(serve);
    while out_open || err_open || !gone {
        tokio::select! {
            // Of what both streams hold, standard output was most often written first.
            biased;
            () = &mut timer => {
                if gone {
                    break;
                }
                if timed_out {
                    return Err(SandboxError::Lost(io::Error::other("it could not be killed")));
                }
                timed_out = true;
                // A status that came in time is still read.
                line.close();
                timer.as_mut().reset(tokio::time::Instant::now() + KILL);
            }
            read = out.read_buf(&mut out_buffer), if out_open => {
                out_open = read.unwrap_or_default() > 0;
                if out_open {
                    sink.output(StreamName::Out, &out_buffer);
                    excerpt.push(&out_buffer);
                    out_buffer.clear();
                }
            }
            read = err.read_buf(&mut err_buffer), if err_open => {
                err_open = read.unwrap_or_default() > 0;
                if err_open {
                    sink.output(StreamName::Err, &err_buffer);
                    excerpt.push(&err_buffer);
                    err_buffer.clear();
                }
            }
            word = line.next(), if line_open => match word?.map(Told::of) {
                Some(Told::Fate(told)) => fate = fate.or(Some(told)),
                Some(Told::Door(door)) => serving = Some(serve(TcpListener::from(door))),
                // The keeper has only itself to end. That takes the kernel a while, and nobody waits for it.
                Some(Told::Empty(network_too)) => {
                    network_empty = network_too;
                    gone = true;
                    line_open = false;
                    timer.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                }
                None => line_open = false,
            },
            ended = keeper.ended(), if !gone && !line_open => {
                ended?;
                gone = true;
                timer.as_mut().reset(tokio::time::Instant::now() + DRAIN);
            }
            () = served(&mut serving) => serving = None,
        }
        if !out_open && !err_open && fate.is_some() && line_open {
            // Nobody can say anything any more: what is left behind has nothing to finish for.
            line.close();
        }
    }
    drop(serving);
    if network_empty {
        empty();
    }
    let lack = lack.map(|lack| format!("[sandbox: {lack}]\n"));
    let refused = refused.tell().into_iter().map(|line| format!("[network: {line}]\n"));
    for line in lack.into_iter().chain(refused) {
        sink.output(StreamName::Err, line.as_bytes());
        excerpt.push(line.as_bytes());
    }
    let ending = match fate {
        Some(Fate::Ended(status)) if libc::WIFEXITED(status) => {
            Ending::Exited(libc::WEXITSTATUS(status))
        }
        Some(Fate::Ended(status)) => Ending::Signalled(libc::WTERMSIG(status)),
        Some(Fate::NotStarted(source)) => {
            let program = spec.argv.first().cloned().unwrap_or_default();
            return Err(SandboxError::Start { program, source });
        }
        Some(Fate::Failed(missing)) => return Err(SandboxError::Unavailable { missing }),
        None if timed_out => Ending::TimedOut,
        None => {
            return Err(SandboxError::Lost(io::Error::other("its keeper was killed")));
        }
    };
    let (output, omitted) = excerpt.finish();
    Ok(CommandOutcome { ending, output, omitted, elapsed: started.elapsed() })
}
