//! A terminal without a screen and an entrance without a platform: a test says what is there, runs one command
//! line, and reads what came out.

mod bench;
mod residents;
mod toolbox;
mod workshop;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_api::{
    ApiError, AuditReport, CostBy, CostReport, CostRow, Ending, GrantView, NoticeView, RunEvent,
    RunRequest, RunTotals, SessionDetail, SessionSummary, UndoView, codes,
};
use bottega_cli::{ColorChoice, Interrupt, Keyboard, Show, Terminal, Typed, execute, parse};
use bottega_client::{
    Agents, Entrance, Machine, Models, Run, RunControl, ServeRequest, Serving, Sessions, Tools,
    Whereabouts, Workbench,
};
use bottega_policy::{Approval, ApprovalRequest, Approver, Question, Reply};
use bottega_types::{ManualClock, SessionId, Timestamp};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc};

/// The present moment of every test.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_763_648_799_000);

/// One step of a scripted run.
#[derive(Clone)]
pub(crate) enum Step {
    Tell(RunEvent),
    Ask(ApprovalRequest),
    /// The agent has a question of its own.
    Question(Question),
    /// The person presses Ctrl-C while the question stands there.
    AskAndCtrlC(ApprovalRequest),
    /// Nothing for so long, on a clock that jumps.
    Wait(Duration),
    /// The person presses Ctrl-C.
    CtrlC,
    /// Somebody asks the process to end.
    Terminate,
    /// Nothing more until the work is stopped.
    UntilStopped,
    /// Nothing more, ever.
    Silence,
}

/// What is there when the command runs, and what it leaves behind.
#[derive(Default)]
pub(crate) struct Left {
    pub requests: Vec<RunRequest>,
    pub resumed: Vec<RunRequest>,
    pub answers: Vec<Approval>,
    pub replies: Vec<Reply>,
    pub calls: Vec<String>,
    pub secrets: Vec<(String, String)>,
}

#[derive(Clone)]
pub(crate) struct World {
    pub steps: Vec<Step>,
    pub sessions: Vec<SessionDetail>,
    pub grants: Vec<GrantView>,
    pub refusal: Option<ApiError>,
    /// Piped bytes; `None` is a standard input that stays open and sends nothing.
    pub stdin: Option<Vec<u8>>,
    pub typed: VecDeque<String>,
    pub messages: VecDeque<Typed>,
    /// Whether standard input, output and error are terminals.
    pub terminals: (bool, bool, bool),
    /// Whether they are dumb.
    pub dumb: bool,
    pub color: ColorChoice,
    pub show: Show,
    pub broken: bool,
    /// What standard output refuses, and after how many bytes.
    pub full: Option<(io::ErrorKind, usize)>,
    /// What there is to know of the settings.
    pub notices: Vec<NoticeView>,
    /// Whether the model that is deleted was the default.
    pub default_model: bool,
    /// Whether a run finds no model until one is pulled.
    pub no_model: bool,
    /// Whether no server answers.
    pub no_server: bool,
    /// Whether nobody lives there, and whoever is to stop never does.
    pub nobody: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            sessions: Vec::new(),
            grants: Vec::new(),
            refusal: None,
            stdin: None,
            typed: VecDeque::new(),
            messages: VecDeque::new(),
            terminals: (false, false, false),
            dumb: false,
            color: ColorChoice::Auto,
            show: Show::default(),
            broken: false,
            full: None,
            notices: Vec::new(),
            default_model: false,
            no_model: false,
            no_server: false,
            nobody: false,
        }
    }
}

/// What a command line gave.
pub(crate) struct Came {
    pub exit: u8,
    pub out: String,
    pub err: String,
    pub left: Left,
}

impl Came {
    /// All of it, for a snapshot; escape characters are made visible.
    pub(crate) fn page(&self) -> String {
        format!("exit {}\n--- out\n{}--- err\n{}", self.exit, self.out, self.err)
            .replace('\u{1b}', "␛")
    }
}

impl World {
    pub(crate) fn on_terminals(mut self) -> Self {
        self.terminals = (true, true, true);
        self
    }

    /// Runs one command line; a command that never ends fails the test.
    pub(crate) fn run(self, line: &[&str]) -> Came {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            // Waiting costs no time: the clock jumps when everyone waits.
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(3_600), self.carry_out(line))
                .await
                .expect("the command ends")
        })
    }

    async fn carry_out(self, line: &[&str]) -> Came {
        let (out, err) = (Paper { full: self.full, ..Paper::default() }, Paper::default());
        let (ctrl_c, mut pressed) = mpsc::unbounded_channel();
        let left = Arc::new(Mutex::new(Left::default()));
        let mut terminal = Terminal {
            stdin_is_terminal: self.terminals.0,
            stdout_is_terminal: self.terminals.1,
            stderr_is_terminal: self.terminals.2,
            dumb: self.dumb,
            width: 80,
            color: self.color,
            show: self.show,
            workspace: Some("/code/demo".into()),
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            keyboard: Box::new(Keys {
                stdin: self.stdin.clone(),
                typed: self.typed.clone(),
                messages: self.messages.clone(),
            }),
            interrupts: futures::stream::poll_fn(move |context| pressed.poll_recv(context)).boxed(),
            clock: Arc::new(ManualClock::new(NOW)),
        };
        let words = std::iter::once("bottega").chain(line.iter().copied()).map(Into::into);
        let exit = match parse(words) {
            Ok(invocation) => {
                let entrance = Fake { world: Arc::new(self), left: Arc::clone(&left), ctrl_c };
                execute(invocation, &entrance, terminal).await
            }
            Err(exit) => exit.print(&mut terminal),
        };
        let left = std::mem::take(&mut *left.lock().unwrap());
        Came { exit, out: out.text(), err: err.text(), left }
    }
}

/// A stream that is read afterwards.
#[derive(Clone, Default)]
struct Paper {
    written: Arc<Mutex<Vec<u8>>>,
    /// What it refuses, and after how many bytes.
    full: Option<(io::ErrorKind, usize)>,
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap();
        if let Some((refusal, room)) = self.full
            && written.len() + bytes.len() > room
        {
            return Err(refusal.into());
        }
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Keys {
    stdin: Option<Vec<u8>>,
    typed: VecDeque<String>,
    messages: VecDeque<Typed>,
}

#[async_trait]
impl Keyboard for Keys {
    async fn everything(&mut self) -> io::Result<Vec<u8>> {
        match self.stdin.take() {
            Some(bytes) => Ok(bytes),
            None => std::future::pending().await,
        }
    }

    async fn line(&mut self) -> io::Result<Typed> {
        match self.typed.pop_front() {
            Some(text) => Ok(Typed::Text(text)),
            None => std::future::pending().await,
        }
    }

    async fn hidden(&mut self) -> io::Result<Typed> {
        self.line().await
    }

    async fn message(&mut self, _prompt: &str) -> io::Result<Typed> {
        Ok(self.messages.pop_front().unwrap_or(Typed::End))
    }
}

#[derive(Clone)]
struct Fake {
    world: Arc<World>,
    left: Arc<Mutex<Left>>,
    ctrl_c: mpsc::UnboundedSender<Interrupt>,
}

impl Fake {
    fn note(&self, call: String) {
        self.left.lock().unwrap().calls.push(call);
    }

    fn detail(&self, session: SessionId) -> Result<SessionDetail, ApiError> {
        let found =
            self.world.sessions.iter().find(|detail| detail.summary.id == session.to_string());
        found
            .cloned()
            .ok_or_else(|| ApiError::new(codes::NO_SESSION, format!("no session {session}")))
    }

    fn begin(&self, session: SessionId, approver: Arc<dyn Approver>) -> Run {
        let stop = Arc::new(Notify::new());
        let script = Script {
            steps: self.world.steps.clone().into(),
            approver,
            stop: Arc::clone(&stop),
            fake: self.clone(),
        };
        let events = futures::stream::unfold(script, |mut script| async move {
            script.next().await.map(|event| (event, script))
        });
        Run { session, events: events.boxed(), control: Arc::new(Stop(stop)) }
    }
}

struct Stop(Arc<Notify>);

#[async_trait]
impl RunControl for Stop {
    async fn interrupt(&self) {
        self.0.notify_one();
    }
}

struct Script {
    steps: VecDeque<Step>,
    approver: Arc<dyn Approver>,
    stop: Arc<Notify>,
    fake: Fake,
}

impl Script {
    async fn next(&mut self) -> Option<RunEvent> {
        loop {
            match self.steps.pop_front()? {
                Step::Tell(event) => return Some(event),
                Step::Ask(request) => {
                    let answer = self.approver.ask(&request).await;
                    self.fake.left.lock().unwrap().answers.push(answer);
                }
                Step::Question(question) => {
                    let reply = self.approver.answer(&question).await;
                    self.fake.left.lock().unwrap().replies.push(reply);
                }
                Step::AskAndCtrlC(request) => {
                    let ctrl_c = self.fake.ctrl_c.clone();
                    let pressed = async {
                        // The question is on the screen by then, on a clock that jumps.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        ctrl_c.send(Interrupt::CtrlC).unwrap();
                        std::future::pending::<()>().await;
                    };
                    let answer = tokio::select! {
                        answer = self.approver.ask(&request) => answer,
                        () = pressed => unreachable!("it waits for ever"),
                    };
                    self.fake.left.lock().unwrap().answers.push(answer);
                }
                Step::Wait(span) => tokio::time::sleep(span).await,
                Step::CtrlC => self.fake.ctrl_c.send(Interrupt::CtrlC).unwrap(),
                Step::Terminate => self.fake.ctrl_c.send(Interrupt::Terminate).unwrap(),
                Step::UntilStopped => {
                    self.stop.notified().await;
                    let ended = ended(Ending::Interrupted, Some("interrupted"), "");
                    return Some(ended);
                }
                Step::Silence => std::future::pending().await,
            }
        }
    }
}

#[async_trait]
impl Entrance for Fake {
    async fn sessions(&self) -> Result<Arc<dyn Sessions>, ApiError> {
        match &self.world.refusal {
            Some(error) => Err(error.clone()),
            None => Ok(Arc::new(self.clone())),
        }
    }

    async fn models(&self) -> Result<Arc<dyn Models>, ApiError> {
        Ok(Arc::new(self.clone()))
    }

    fn machine(&self) -> Result<Arc<dyn Machine>, ApiError> {
        Ok(Arc::new(self.clone()))
    }

    fn workbench(&self) -> Result<Arc<dyn Workbench>, ApiError> {
        Ok(Arc::new(self.clone()))
    }

    fn tools(&self) -> Result<Arc<dyn Tools>, ApiError> {
        Ok(Arc::new(self.clone()))
    }

    async fn agents(&self, at: &Whereabouts) -> Result<Arc<dyn Agents>, ApiError> {
        let believed = at.ca_cert.iter().map(|file| format!(" believing {}", file.display()));
        self.note(format!("agents {:?}{}", at.server, believed.collect::<String>()));
        match self.world.no_server {
            true => Err(ApiError::new(codes::NO_SERVER, "nobody answers at http://127.0.0.1:7437")),
            false => Ok(Arc::new(self.clone())),
        }
    }

    async fn serve(
        &self,
        request: ServeRequest,
        ready: &(dyn Fn(Serving) + Send + Sync),
        stop: BoxFuture<'static, ()>,
    ) -> Result<(), ApiError> {
        self.note(format!("serve {}", request.listen));
        if request.listen.starts_with("0.0.0.0") {
            return Err(ApiError::new(codes::USAGE, "`0.0.0.0:7437` needs TLS"));
        }
        let (url, token_file) = ("http://127.0.0.1:7437".into(), "/state/server-token".into());
        ready(Serving { url, token_file });
        for step in &self.world.steps {
            match step {
                Step::CtrlC => self.ctrl_c.send(Interrupt::CtrlC).unwrap(),
                Step::Terminate => self.ctrl_c.send(Interrupt::Terminate).unwrap(),
                Step::Silence | Step::UntilStopped => std::future::pending().await,
                Step::Tell(_)
                | Step::Ask(_)
                | Step::Question(_)
                | Step::AskAndCtrlC(_)
                | Step::Wait(_) => {}
            }
        }
        stop.await;
        self.note("served".into());
        Ok(())
    }
}

#[async_trait]
impl Sessions for Fake {
    async fn run(&self, request: RunRequest, approver: Arc<dyn Approver>) -> Result<Run, ApiError> {
        let session = request.session.unwrap_or_else(|| session(1));
        let pulled = self.left.lock().unwrap().calls.iter().any(|call| call.starts_with("pull"));
        if self.world.no_model && !pulled {
            return Err(ApiError::new(codes::NO_MODEL, "there is no model to ask"));
        }
        self.left.lock().unwrap().requests.push(request);
        Ok(self.begin(session, approver))
    }

    async fn resume(
        &self,
        request: RunRequest,
        approver: Arc<dyn Approver>,
    ) -> Result<Run, ApiError> {
        let session = request.session.unwrap();
        self.left.lock().unwrap().resumed.push(request);
        Ok(self.begin(session, approver))
    }

    async fn model(&self, name: &str) -> Result<String, ApiError> {
        match name {
            "nonsense" => Err(ApiError::new(codes::NO_MODEL, "`nonsense` is no model")),
            name => Ok(name.to_owned()),
        }
    }

    async fn list(
        &self,
        workspace: Option<&std::path::Path>,
        limit: usize,
    ) -> Result<Vec<SessionSummary>, ApiError> {
        self.note(format!("list {workspace:?} {limit}"));
        Ok(self.world.sessions.iter().map(|detail| detail.summary.clone()).collect())
    }

    async fn find(&self, text: &str) -> Result<SessionId, ApiError> {
        let found = self.world.sessions.iter().map(|detail| &detail.summary.id);
        let mut found = found.filter(|id| text == "last" || id.ends_with(text));
        let id = found.next().ok_or_else(|| {
            ApiError::new(codes::NO_SESSION, format!("no session begins or ends with `{text}`"))
        })?;
        Ok(id.parse().unwrap())
    }

    async fn show(&self, session: SessionId) -> Result<SessionDetail, ApiError> {
        self.detail(session)
    }

    async fn fork(&self, session: SessionId, at: Option<u64>) -> Result<SessionSummary, ApiError> {
        self.note(format!("fork {session} {at:?}"));
        Ok(self.detail(session)?.summary)
    }

    async fn undo(&self, session: SessionId, steps: Option<usize>) -> Result<UndoView, ApiError> {
        self.note(format!("undo {session} {steps:?}"));
        Ok(UndoView {
            restored: vec!["src/lib.rs".into()],
            removed: vec!["src/new.rs".into()],
            left_alone: vec!["README.md".into()],
            forgotten: vec!["logo.png".into()],
            unkept: vec!["what job 1 changed (`make`)".into()],
        })
    }

    async fn compact(&self, session: SessionId) -> Result<u32, ApiError> {
        self.note(format!("compact {session}"));
        Ok(4)
    }

    async fn export(&self, _session: SessionId) -> Result<Vec<String>, ApiError> {
        Ok(vec!["{\"position\":1}\n".into(), "{\"position\":2}".into()])
    }

    async fn remove(&self, session: SessionId) -> Result<(), ApiError> {
        self.note(format!("remove {session}"));
        Ok(())
    }

    async fn grants(&self, project: Option<&std::path::Path>) -> Result<Vec<GrantView>, ApiError> {
        let mut grants = self.world.grants.clone();
        grants.retain(|grant| project.is_none_or(|it| it == std::path::Path::new(&grant.project)));
        Ok(grants)
    }

    async fn revoke(&self, ids: &[String]) -> Result<Vec<GrantView>, ApiError> {
        self.note(format!("revoke {ids:?}"));
        let named = |grant: &&GrantView| ids.iter().any(|id| grant.id.ends_with(id));
        Ok(self.world.grants.iter().filter(named).cloned().collect())
    }

    async fn costs(&self, by: CostBy) -> Result<CostReport, ApiError> {
        let row = |key: &str, answers, input_tokens, cost_usd, known_cost_usd| CostRow {
            key: key.into(),
            answers,
            input_tokens,
            cached_tokens: input_tokens / 2,
            output_tokens: 1_234,
            cost_usd,
            known_cost_usd,
        };
        let rows = vec![
            row("2025-11-18", 1, 900, None, 0.0),
            row("2025-11-19", 4, 52_000, Some(0.0312), 0.0312),
            row("2025-11-20", 31, 1_204_000, Some(1.5), 1.5),
        ];
        let mut total = CostRow::nothing(String::new());
        rows.iter().for_each(|row| total.add(row));
        Ok(CostReport { by, rows, total })
    }

    async fn verify(
        &self,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<AuditReport, ApiError> {
        progress(1_204);
        let broken =
            self.world.broken.then(|| "record 1205 does not follow from the one before".into());
        let broken_at = self.world.broken.then_some(1_205);
        Ok(AuditReport {
            verified: 1_204,
            head: "ab12".repeat(16),
            broken,
            broken_at,
            blobs: 31,
            damaged_blobs: Vec::new(),
            missing_blobs: 0,
            forgotten_blobs: 2,
        })
    }

    async fn export_all(&self, to: &mut (dyn io::Write + Send)) -> Result<u64, ApiError> {
        let written = to.write_all(b"{\"position\":1}\n");
        written.map(|()| 1).map_err(|error| ApiError::new(codes::STORE, error.to_string()))
    }
}

/// The session with this number.
pub(crate) fn session(number: u128) -> SessionId {
    SessionId::from_bits(0x019a_a1b2_c3d4_0000_0000_0000_0000_0000 + number)
}

/// Totals as after three turns.
pub(crate) fn totals() -> RunTotals {
    RunTotals {
        turns: 3,
        tool_calls: 2,
        input_tokens: 11_830,
        cached_tokens: 8_120,
        output_tokens: 600,
        cost_usd: Some(0.0),
        known_cost_usd: 0.0,
        model_ms: 38_000,
        tokens_per_second: Some(21.4),
        elapsed_ms: 41_000,
    }
}

/// The last event of a run.
pub(crate) fn ended(ending: Ending, why: Option<&str>, answer: &str) -> RunEvent {
    RunEvent::Ended {
        ending,
        why: why.map(Into::into),
        next_step: None,
        answer: answer.into(),
        session: session(1).to_string(),
        totals: totals(),
    }
}
