//! A gateway with scripted providers, and what it told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_event::{ModelAnswered, ModelFailed};
use bottega_gateway::{
    Budgets, Call, Gateway, GatewayEvent, Options, Patience, PriceTable, Provider, Retries, Route,
    WaitReason,
};
use bottega_llm::{ChatModel, ChatRequest, ErrorKind, Message, ModelError, OutputFormat, Usage};
use bottega_policy::Spent;
use bottega_store::MemoryStore;
use bottega_testkit::{Script, ScriptedModel};
use bottega_types::{CallId, ManualClock, Money, Seeded, SessionId, Timestamp, Tokens};

/// Every scripted model answers at most so many tokens here.
pub(crate) const MAX_OUTPUT: u32 = 100;

/// What the providers `north`, `south` … cost in these tests: a dollar a million in, two out.
const PRICES: &str = r#"
date = "2026-01-01"
[[model]]
match = ["north/*", "south/*"]
input = "1"
output = "2"
"#;

pub(crate) struct Desk {
    pub(crate) gateway: Gateway,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) told: Arc<Mutex<Vec<String>>>,
    calls: AtomicU64,
}

pub(crate) fn options(models: &[(&str, &Arc<ScriptedModel>)]) -> Options {
    let providers: BTreeMap<_, _> = models
        .iter()
        .map(|(name, model)| {
            let model: Arc<dyn ChatModel> = Arc::<ScriptedModel>::clone(model);
            ((*name).to_owned(), Provider::new(model))
        })
        .collect();
    let chain = models.iter().map(|(name, _)| format!("{name}/large").parse().unwrap()).collect();
    let route = Route {
        retries: Retries {
            most: 2,
            wait: Duration::from_secs(1),
            wait_most: Duration::from_secs(60),
        },
        patience: Patience { first: Duration::from_secs(30), idle: Duration::from_secs(10) },
        deadline: Duration::from_secs(300),
        ..Route::new(chain)
    };
    Options {
        plain: Route { models: Vec::new(), ..route.clone() },
        routes: BTreeMap::from([("best".to_owned(), route)]),
        prices: PriceTable::parse(PRICES).unwrap(),
        ..Options::new("best", providers)
    }
}

impl Desk {
    pub(crate) fn new(options: Options) -> Self {
        Self::sharing(options, Arc::new(MemoryStore::new()))
    }

    pub(crate) fn sharing(options: Options, store: Arc<MemoryStore>) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_763_640_000_000));
        let journal = Arc::clone(&store);
        let gateway = Gateway::new(options, journal, Arc::new(clock), Arc::new(Seeded::new(5)));
        Self { gateway, store, told: Arc::default(), calls: AtomicU64::new(0) }
    }

    pub(crate) fn budgeted(models: &[(&str, &Arc<ScriptedModel>)], budgets: Budgets) -> Self {
        Self::new(Options { budgets, ..options(models) })
    }

    /// A call whose promise covers one attempt and no more.
    pub(crate) fn call(&self, request: ChatRequest) -> Call {
        let request = ChatRequest { max_output: Some(MAX_OUTPUT), ..request };
        let worst = self.gateway.worst("", &request).unwrap();
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        Call {
            call: CallId::from_bits(number.into()),
            session: SessionId::from_bits(1),
            agent: "coder".to_owned(),
            route: String::new(),
            request: Arc::new(request),
            worst,
            broken_off: Vec::new(),
        }
    }

    pub(crate) async fn ask(&self, call: Call) -> Result<ModelAnswered, ModelFailed> {
        let told = Arc::clone(&self.told);
        let on = move |event| told.lock().unwrap().push(line(&event));
        self.gateway.ask(call, &on).await
    }

    /// What happened, the stream's own events apart.
    pub(crate) fn story(&self) -> String {
        let told = self.told.lock().unwrap();
        told.iter().filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join(" · ")
    }
}

fn line(event: &GatewayEvent) -> String {
    match event {
        GatewayEvent::Attempt { by, number } => format!("{number} {by}"),
        GatewayEvent::Waiting { reason, at_most } => match reason {
            WaitReason::Queue => "queued".to_owned(),
            WaitReason::RequestRate => format!("paced {} s", at_most.as_secs()),
            WaitReason::Retry(error) => format!("waits after {:?}", error.kind),
        },
        GatewayEvent::Stream(_) => String::new(),
    }
}

pub(crate) fn question() -> ChatRequest {
    ChatRequest::new("", vec![Arc::new(Message::user("how much?"))])
}

pub(crate) fn wants_json() -> ChatRequest {
    let schema = serde_json::json!({
        "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"],
    });
    let output = OutputFormat::JsonSchema { name: "n".into(), schema: Arc::new(schema) };
    ChatRequest { output, ..question() }
}

pub(crate) fn usage(input: u64, output: u64) -> Usage {
    Usage { input: Tokens::new(input), output: Tokens::new(output), ..Usage::default() }
}

pub(crate) fn model(scripts: impl IntoIterator<Item = Script>) -> Arc<ScriptedModel> {
    Arc::new(ScriptedModel::new(scripts))
}

pub(crate) fn fails(kind: ErrorKind) -> Script {
    Script::refusal(ModelError::new(kind, "no"))
}

pub(crate) fn says(text: &str) -> Script {
    Script::text(text, usage(10, 20))
}

pub(crate) fn times(call: Call, factor: u64) -> Call {
    let worst = Spent {
        tokens: Tokens::new(call.worst.tokens.get() * factor),
        money: Money::from_nanos(call.worst.money.as_nanos() * factor),
    };
    Call { worst, ..call }
}
