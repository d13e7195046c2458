//! Runs told as scripts: what happens on the left, what the agent makes of it on the right.

use bottega_event::{Limits, ModelFacts, ModelTiming, Started, Survey, Tasked};
use bottega_llm::{Answer, Message, ModelRef, Part, Role, ToolDeclaration, Usage};
use bottega_policy::{AccessMode, Budget};
use bottega_tool::FileChange;
use bottega_types::{Money, SessionId};
use serde_json::{Value, json};

use super::*;

fn definition() -> Definition {
    let tool = |name: &str| ToolDeclaration {
        name: name.into(),
        description: String::new(),
        input_schema: json!({ "type": "object" }),
    };
    Definition {
        name: "test".into(),
        system: "large".into(),
        system_small: "small".into(),
        tools: ["read", "edit", "check"].map(tool).into_iter().collect(),
        tools_small: ["read", "edit", "check"].map(tool).into_iter().collect(),
        repeatable: Arc::new(["read".to_owned()]),
        check: Some("check".into()),
        reader: Some("read".into()),
        editor: Some("edit".into()),
        planner: Some("plan".into()),
        repeats: 5,
        effort: None,
        sampling: bottega_llm::Sampling::default(),
        sampling_small: bottega_llm::Sampling::default(),
        answer_tokens: 1_000,
        answer_tokens_small: 500,
        answer_about: "In a sentence.".into(),
    }
}

/// A map on which the failure `1 failed in apply` points at `src/a.rs`.
const MAP: &str = "src/a.rs: apply, other\nsrc/b.rs: more";

/// One session on the bench.
struct Bench {
    agent: LlmAgent,
    state: State,
    now: Timestamp,
    small: bool,
    window: u64,
    limits: Limits,
    schema: Option<Value>,
    mode: AccessMode,
    log: String,
}

impl Bench {
    fn new() -> Self {
        let agent = LlmAgent::new(definition());
        Self {
            state: agent.initial(),
            agent,
            now: Timestamp::from_millis(1_000),
            small: false,
            window: 100_000,
            limits: Limits { turns: 30, seconds: 600, budget: Budget::UNLIMITED },
            schema: None,
            mode: AccessMode::Auto,
            log: String::new(),
        }
    }

    fn small() -> Self {
        Self { small: true, ..Self::new() }
    }

    fn feed(&mut self, input: Input) {
        match self.agent.decide(&self.state, input, self.now) {
            Ok(events) => {
                for event in events {
                    self.agent.evolve(&mut self.state, &event, self.now);
                    let told = told(&event);
                    if !told.is_empty() {
                        self.log.push_str(&format!("  {told}\n"));
                    }
                }
            }
            Err(refusal) => self.log.push_str(&format!("  refused: {refusal}\n")),
        }
    }

    fn start(&mut self) {
        self.feed_start();
        self.feed(Input::Surveyed(Survey { map: MAP.into(), ..Survey::default() }));
        let output_schema = self.schema.clone();
        self.feed(Input::Task(Tasked {
            text: "do it".into(),
            attachments: vec![],
            output_schema,
            goes_on: false,
        }));
    }

    fn feed_start(&mut self) {
        self.feed(Input::Start(Started {
            session: SessionId::from_bits(7),
            agent: "test".into(),
            workspace: "/w".into(),
            model: ModelFacts {
                route: "m".into(),
                context_window: Tokens::new(self.window),
                max_output: Tokens::new(4_000),
                small: self.small,
                images: false,
                fallbacks: false,
                input_price: "1".parse().unwrap(),
                output_price: "2".parse().unwrap(),
                unpriced: false,
            },
            mode: self.mode,
            limits: self.limits,
            seed: None,
            forked_from: None,
            trace: None,
        }));
    }

    /// The model answers: text, and calls written `name(arguments)`.
    fn answers(&mut self, text: &str, calls: &[&str], stop: Stop) {
        let Some(asked) = self.state.asked.clone() else {
            return self.log.push_str("  nobody asked\n");
        };
        let mut parts = Vec::new();
        if !text.is_empty() {
            parts.push(Part::text(text));
        }
        for (index, call) in calls.iter().enumerate() {
            let (name, arguments) = call.strip_suffix(')').unwrap().split_once('(').unwrap();
            parts.push(Part::ToolCall(ToolCall {
                id: format!("c{index}"),
                name: name.into(),
                arguments: arguments.into(),
            }));
        }
        let prompt = self.agent.definition.prompt_estimate(&self.state);
        self.feed(Input::Answered(ModelAnswered {
            call: asked.call,
            by: ModelRef { provider: "p".into(), model: "m".into() },
            answer: Answer {
                model: "m".into(),
                response_id: None,
                message: Message { role: Role::Assistant, parts },
                stop,
                usage: Usage { input: prompt, output: Tokens::new(10), ..Usage::default() },
            },
            cost: Money::from_nanos(100),
            unpriced: false,
            timing: ModelTiming::default(),
        }));
    }

    fn fails(&mut self, kind: ErrorKind) {
        let Some(asked) = self.state.asked.clone() else {
            return self.log.push_str("  nobody asked\n");
        };
        let error = ModelError::new(kind, "no");
        self.feed(Input::Failed(ModelFailed {
            call: asked.call,
            error,
            spent: Default::default(),
            unpriced: false,
            by: None,
        }));
    }

    /// The first open tool call ends.
    fn tool(&mut self, outcome: ToolOutcome, text: &str, changed: &[&str]) {
        let open = self.state.tools.iter().find(|tool| tool.report.is_none());
        let Some(call) = open.map(|tool| tool.call) else {
            return self.log.push_str("  no call\n");
        };
        let mut ended = report(call, outcome, text.to_owned());
        ended.changes = changed
            .iter()
            .map(|path| FileChange::new((*path).to_owned(), None, Some(vec![]), 0o644))
            .collect();
        self.feed(Input::ToolEnded(ended));
    }

    /// Plays a script, a line a step:
    /// `say WORDS`, `call NAME(ARGS) NAME(ARGS)…`, `cut NAME(ARGS)`, `piece WORDS`, `ok WORDS`, `changed PATH`, `bad WORDS`,
    /// `error WORDS`, `denied WORDS`, `fail KIND`, `interrupt`, `timeup`, `crash`.
    #[track_caller]
    fn check(mut self, script: &str, expected: &str) -> Self {
        self.start();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.log.push_str(&format!("{line}\n"));
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            let calls: Vec<&str> = rest.split_inclusive(')').map(str::trim).collect();
            match verb {
                "say" => self.answers(rest, &[], Stop::EndTurn),
                "call" => self.answers("", &calls, Stop::ToolCalls),
                "cut" => self.answers("", &calls, Stop::MaxOutput),
                "piece" => self.answers(rest, &[], Stop::MaxOutput),
                "ok" => self.tool(ToolOutcome::Succeeded, rest, &[]),
                "changed" => self.tool(ToolOutcome::Succeeded, rest, &[rest]),
                "bad" => self.tool(ToolOutcome::CommandFailed, rest, &[]),
                "error" => self.tool(ToolOutcome::Failed, rest, &[]),
                "denied" => self.tool(ToolOutcome::Denied, rest, &[]),
                "fail" => self.fails(serde_json::from_value(json!(rest)).unwrap()),
                "interrupt" => self.feed(Input::Interrupt(Vec::new())),
                "timeup" => self.feed(Input::TimeUp(Vec::new())),
                "crash" => {
                    let started = Started::clone(self.state.started.as_deref().unwrap());
                    let Started { model, mode, limits, .. } = started;
                    self.feed(Input::Resume(bottega_event::Rerouted { model, mode, limits }));
                }
                other => panic!("{other}"),
            }
        }
        let actual = self.log.trim().to_owned();
        let tidy = |text: &str| {
            text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(tidy(&actual), tidy(expected), "\n--- actual\n{actual}");
        self.is_well_formed();
        self
    }

    /// What every provider demands of a history: roles in turn, and a result for each call.
    #[track_caller]
    fn is_well_formed(&self) {
        for pair in self.state.messages.windows(2) {
            let calls: Vec<_> = pair[0].tool_calls().map(|call| call.id.clone()).collect();
            if pair[0].role == Role::Assistant && !calls.is_empty() && !self.state.has_open_tools()
            {
                let results: Vec<_> = pair[1]
                    .parts
                    .iter()
                    .filter_map(|part| match part {
                        Part::ToolResult(result) => Some(result.call_id.clone()),
                        _ => None,
                    })
                    .collect();
                assert_eq!(calls, results, "{:#?}", self.state.messages);
            }
            assert!(
                pair[0].role != Role::User || pair[1].role == Role::Assistant,
                "a user's message must be answered: {:#?}",
                self.state.messages
            );
        }
    }
}

fn told(event: &SessionEvent) -> String {
    match event {
        SessionEvent::ModelAsked(asked) => match asked.purpose {
            Purpose::Turn => "→ ask".into(),
            Purpose::Compaction => "→ ask for a summary".into(),
        },
        SessionEvent::ToolStarted(started) => format!("→ run {}", started.request.name),
        SessionEvent::ToolFinished(report) if report.outcome == ToolOutcome::Interrupted => {
            "→ interrupted".into()
        }
        SessionEvent::Nudged(nudged) => {
            format!("→ nudge: {}", nudged.text.split('.').next().unwrap_or_default())
        }
        SessionEvent::Rewound(rewound) => format!("→ back to {} messages", rewound.kept),
        SessionEvent::Compacted(compacted) => format!(
            "→ compacted by {}, keeping {}",
            if compacted.call.is_some() { "the model" } else { "the ledger" },
            compacted.kept
        ),
        SessionEvent::Ended(ended) => match &ended.how {
            EndKind::Done => format!("→ done: {}", ended.answer),
            EndKind::Stuck { why } => format!("→ stuck: {why}"),
            EndKind::Limit { why } => {
                format!("→ limit: {}", why.split(':').next().unwrap_or_default())
            }
            EndKind::Refused { why } => format!("→ refused: {why}"),
            EndKind::Provider { error } => format!("→ provider: {:?}", error.kind),
            EndKind::Interrupted => "→ interrupted by the user".into(),
        },
        _ => String::new(),
    }
}

#[test]
fn a_run_goes_from_task_to_answer() {
    Bench::new().check(
        "call read({}) read({\"a\":1})
         ok one
         ok two
         say mended",
        "→ ask
         call read({}) read({\"a\":1})
         → run read
         → run read
         ok one
         ok two
         → ask
         say mended
         → done: mended",
    );
}

#[test]
fn the_model_reads_the_survey_in_whatever_order_it_came() {
    let survey = Survey {
        instructions: vec![("AGENTS.md".into(), "be kind".into())],
        map: MAP.into(),
        ..Survey::default()
    };
    let task = || {
        Input::Task(Tasked {
            text: "do it".into(),
            attachments: vec![],
            output_schema: None,
            goes_on: false,
        })
    };
    let sent = |inputs: [Input; 2]| {
        let mut world = Bench::new();
        world.feed_start();
        for input in inputs {
            world.feed(input);
        }
        assert!(world.log.ends_with("→ ask\n"), "{}", world.log);
        world.state.messages.iter().map(|message| message.text()).collect::<Vec<_>>()
    };
    let usual = sent([Input::Surveyed(survey.clone()), task()]);
    assert!(usual[0].contains("be kind") && usual[0].ends_with("do it"), "{usual:?}");
    assert_eq!(sent([task(), Input::Surveyed(survey)]), usual);
}

#[test]
fn an_answer_in_pieces_is_one_answer() {
    Bench::new().check(
        "piece FIRST 
         say SECOND",
        "→ ask
         piece FIRST
         → nudge: Your answer was cut off at its limit
         → ask
         say SECOND
         → done: FIRSTSECOND",
    );
    let mut world = Bench::new();
    world.schema = Some(json!({ "type": "object", "required": ["n"] }));
    world.check(
        "piece {\"n\":
         say 5}",
        "→ ask
         piece {\"n\":
         → nudge: Your answer was cut off at its limit
         → ask
         say 5}
         → done: {\"n\":5}",
    );
    let ended = Bench::new().check(&"piece x\n".repeat(8), &{
        let turn = "→ ask\npiece x\n→ nudge: Your answer was cut off at its limit\n".repeat(7);
        format!("{turn}→ ask\npiece x\n→ stuck: the model's answer was cut off 8 times in a row")
    });
    assert_eq!(ended.state.ended.unwrap().answer, "xxxxxxxx");
}

#[test]
fn an_answer_without_its_form_is_told_what_is_wrong() {
    let mut world = Bench::new();
    world.schema = Some(json!({ "type": "object", "properties": { "n": { "type": "integer" } } }));
    let world = world.check(
        "say {\"n\": \"x\"}
         say {\"n\": 5}",
        "→ ask
         say {\"n\": \"x\"}
         → nudge: The answer does not follow its schema: \"x\" is not of type \"integer\" (at `/n`)
         → ask
         say {\"n\": 5}
         → done: {\"n\":5}",
    );
    assert!(world.state.work.is_none());
}

#[test]
fn a_cut_answer_runs_nothing() {
    Bench::new().check(
        "cut edit({\"path\":)
         say ok",
        "→ ask
         cut edit({\"path\":)
         → run edit
         → ask
         say ok
         → done: ok",
    );
}

#[test]
fn a_small_models_changes_are_checked_at_once_and_its_word_is_not_enough() {
    Bench::small().check(
        "bad 1 failed
         call edit({})
         changed a
         bad 1 failed
         call finish({\"answer\":\"done\"})
         call edit({\"b\":1})
         changed a
         ok passed
         call finish({\"answer\":\"done\"})",
        "→ run check
         bad 1 failed
         → ask
         call edit({})
         → run edit
         changed a
         → run check
         bad 1 failed
         → ask
         call finish({\"answer\":\"done\"})
         → run finish
         → ask
         call edit({\"b\":1})
         → run edit
         changed a
         → run check
         ok passed
         → ask
         call finish({\"answer\":\"done\"})
         → done: done",
    );
}

#[test]
fn a_change_that_did_not_help_is_taken_back_and_another_is_tried() {
    let edit = |old: &str, new: &str| {
        format!(r#"call edit({{"path":"src/a.rs","old_text":"{old}","new_text":"{new}"}})"#)
    };
    let (first, second) = (edit("x", "y"), edit("p", "q"));
    let bench = Bench::small().check(
        &format!(
            "bad 1 failed in apply\nok src/a.rs\n{first}\nchanged src/a.rs\nbad 1 failed in apply
             changed src/a.rs\n{second}\nerror not found\n{second}\nchanged src/a.rs\nok passed
             call finish({{\"answer\":\"done\"}})"
        ),
        &format!(
            "→ run check
             bad 1 failed in apply
             → run read
             ok src/a.rs
             → nudge: The test is right and src/a
             → ask
             {first}
             → run edit
             changed src/a.rs
             → run check
             bad 1 failed in apply
             → run edit
             changed src/a.rs
             → back to 6 messages
             → ask
             {second}
             → run edit
             error not found
             → back to 6 messages
             → ask
             {second}
             → run edit
             changed src/a.rs
             → run check
             ok passed
             → ask
             call finish({{\"answer\":\"done\"}})
             → done: done"
        ),
    );
    // The model reads nothing of what did not help, and no line of the file but those that may be wrong.
    let told: String = bench.state.messages.iter().map(|message| message.text()).collect();
    assert!(!told.contains("became"), "{told}");
}

#[test]
fn without_leave_to_run_it_a_small_model_must_check_its_changes_itself() {
    let mut bench = Bench::small();
    bench.mode = AccessMode::Ask;
    bench.check(
        "call edit({})
         changed a
         call finish({\"answer\":\"done\"})
         call check({})
         ok passed
         call finish({\"answer\":\"done\"})",
        "→ ask
         call edit({})
         → run edit
         changed a
         → ask
         call finish({\"answer\":\"done\"})
         → run finish
         → ask
         call check({})
         → run check
         ok passed
         → ask
         call finish({\"answer\":\"done\"})
         → done: done",
    );
}

#[test]
fn a_small_model_looks_before_it_finishes() {
    let mut bench = Bench::small();
    bench.mode = AccessMode::Ask;
    bench.check(
        "call finish({\"answer\":\"done\"})\ncall read({})\nok x\ncall finish({\"answer\":\"done\"})",
        "→ ask
         call finish({\"answer\":\"done\"})
         → run finish
         → ask
         call read({})
         → run read
         ok x
         → ask
         call finish({\"answer\":\"done\"})
         → done: done",
    );
}

#[test]
fn a_small_model_that_insists_while_its_check_fails_is_stuck() {
    Bench::small().check(
        &format!("bad 1 failed\n{}", "call finish({\"answer\":\"x\"})\n".repeat(5)),
        "→ run check
         bad 1 failed
         → ask
         call finish({\"answer\":\"x\"})
         → run finish
         → ask
         call finish({\"answer\":\"x\"})
         → run finish
         → ask
         call finish({\"answer\":\"x\"})
         → run finish
         → ask
         call finish({\"answer\":\"x\"})
         → run finish
         → ask
         call finish({\"answer\":\"x\"})
         → stuck: `check` still fails",
    );
}

#[test]
fn a_circle_is_warned_of_and_then_broken() {
    let script = "call read({})\nok same\n".repeat(5);
    let turn = "→ ask\ncall read({})\n→ run read\nok same\n";
    let warned = "→ nudge: You called `read` 3 times with the same arguments and got the same result\n→ ask
                  call read({})\n→ run read\nok same\n→ nudge: You called `read` 4 times with the same \
                  arguments and got the same result\n→ ask\ncall read({})\n→ run read\nok same\n";
    let end = "→ stuck: the same call of `read` gave the same result 5 times";
    Bench::new().check(&script, &format!("{}{warned}{end}", turn.repeat(3)));
}

#[test]
fn empty_answers_end_it() {
    Bench::new().check(
        "say
         say
         say",
        "→ ask
         say
         → nudge: You said nothing
         → ask
         say
         → nudge: You said nothing
         → ask
         say
         → stuck: the model gave 3 empty answers in a row",
    );
}

#[test]
fn an_answer_that_broke_off_is_asked_for_again_twice() {
    Bench::new().check(
        "fail cut_off
         fail garbled
         fail timeout",
        "→ ask
         fail cut_off
         → ask
         fail garbled
         → ask
         fail timeout
         → provider: Timeout",
    );
}

#[test]
fn a_permanent_error_ends_it_at_once() {
    Bench::new()
        .check("fail authentication", "→ ask\nfail authentication\n→ provider: Authentication");
    Bench::new().check("fail budget", "→ ask\nfail budget\n→ limit: no");
}

#[test]
fn an_overflow_compacts_once_and_goes_on() {
    Bench::new().check(
        "call read({})
         ok one
         fail context_overflow
         say done",
        "→ ask
         call read({})
         → run read
         ok one
         → ask
         fail context_overflow
         → compacted by the ledger, keeping 2
         → ask
         say done
         → done: done",
    );
}

#[test]
fn a_no_that_stops_the_work_asks_nothing_more() {
    let mut bench = Bench::new();
    bench.start();
    bench.answers("", &["edit({})"], Stop::ToolCalls);
    let call = bench.state.tools[0].call;
    let mut declined = report(call, ToolOutcome::Denied, "stopped".to_owned());
    declined.approved.approval = Some(Approval::Stopped);
    bench.feed(Input::ToolEnded(declined));
    assert!(bench.log.ends_with("→ interrupted by the user\n"), "{}", bench.log);
    assert!(bench.state.asked.is_none());
    bench.is_well_formed();
}

#[test]
fn going_on_with_a_task_goes_on_with_its_budget() {
    let go_on = |goes_on| {
        let text = "go on".into();
        Input::Task(Tasked { text, attachments: vec![], output_schema: None, goes_on })
    };
    let mut bench = Bench::new().check("interrupt", "→ ask\ninterrupt\n→ interrupted by the user");
    let spent = bench.state.spent;
    assert!(spent.tokens > Tokens::ZERO);
    bench.feed(go_on(true));
    let worst = bench.state.asked.clone().unwrap().worst;
    assert_eq!(bench.state.spent, spent + worst);
    bench.feed(Input::Interrupt(Vec::new()));
    bench.feed(go_on(false));
    assert_eq!(bench.state.spent, bench.state.asked.clone().unwrap().worst);
}

#[test]
fn the_list_of_steps_outlives_compactions() {
    let mut bench = Bench::new();
    bench.start();
    for (outcome, list) in [
        (ToolOutcome::Succeeded, "0 of 1 done\n[ ] early"),
        (ToolOutcome::Succeeded, "1 of 2 done\n[x] one\n[>] two"),
        (ToolOutcome::Failed, "no list"),
    ] {
        bench.answers("", &["plan({})"], Stop::ToolCalls);
        bench.tool(outcome, list, &[]);
    }
    for _ in 0..2 {
        bench.fails(ErrorKind::ContextOverflow);
        let first = bench.state.messages[0].text();
        assert!(first.contains("Your list of steps: 1 of 2 done\n[x] one\n[>] two\n"), "{first}");
        assert!(!first.contains("early"), "{first}");
        bench.answers("", &["read({})"], Stop::ToolCalls);
        bench.tool(ToolOutcome::Succeeded, "text", &[]);
    }
}

#[test]
fn a_compaction_that_did_not_help_is_not_repeated() {
    Bench::new().check(
        "fail context_overflow
         fail context_overflow",
        "→ ask
         fail context_overflow
         → compacted by the ledger, keeping 0
         → ask
         fail context_overflow
         → limit: the conversation does not fit the model's window of 100000 tokens, even shortened",
    );
}

#[test]
fn a_window_that_fills_is_summarised_by_the_model() {
    let mut bench = Bench::new();
    bench.window = 8_000;
    let long = "x".repeat(20_000);
    bench.start();
    bench.answers("", &["read({})"], Stop::ToolCalls);
    bench.tool(ToolOutcome::Succeeded, &long, &[]);
    assert!(bench.log.ends_with("→ ask for a summary\n"), "{}", bench.log);
    bench.answers("the goal is X", &[], Stop::EndTurn);
    assert!(bench.log.contains("→ compacted by the model, keeping 0\n  → ask\n"), "{}", bench.log);
    let first = bench.state.messages[0].text();
    assert!(first.contains("do it") && first.contains("the goal is X"), "{first}");
    bench.is_well_formed();
}

#[test]
fn limits_end_it_cleanly() {
    let mut bench = Bench::new();
    bench.limits.turns = 1;
    bench.check(
        "call read({})\nok x",
        "→ ask\ncall read({})\n→ run read\nok x\n→ limit: the limit of 1 turn was reached",
    );
    let mut bench = Bench::new();
    bench.limits.budget.tokens = Some(Tokens::new(1_000));
    bench.check(
        "call read({})\nok x\ncall read({})\nok y",
        "→ ask\ncall read({})\n→ run read\nok x\n→ ask\ncall read({})\n→ run read\nok y\n\
         → limit: the budget is used up",
    );
    Bench::new().check(
        "call read({}) edit({})\ntimeup",
        "→ ask\ncall read({}) edit({})\n→ run read\n→ run edit\ntimeup\n→ interrupted\n→ interrupted\n\
         → limit: the time limit of 600 s passed",
    );
}

#[test]
fn an_interruption_leaves_a_history_that_goes_on() {
    let mut bench = Bench::new().check(
        "call edit({})\ninterrupt",
        "→ ask\ncall edit({})\n→ run edit\ninterrupt\n→ interrupted\n→ interrupted by the user",
    );
    bench.feed(Input::Task(Tasked {
        text: "and now".into(),
        attachments: vec![],
        output_schema: None,
        goes_on: false,
    }));
    bench.is_well_formed();
    assert!(bench.state.asked.is_some());
}

#[test]
fn after_a_crash_only_what_looks_is_repeated() {
    let bench = Bench::new().check(
        "call read({}) edit({})\ncrash",
        "→ ask\ncall read({}) edit({})\n→ run read\n→ run edit\ncrash\n→ interrupted",
    );
    let outstanding = bench.agent.outstanding(&bench.state);
    let tools: Vec<_> = outstanding
        .iter()
        .filter_map(|effect| match effect {
            Effect::RunTool { request, .. } => Some(request.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(tools, ["read"]);
}

#[test]
fn after_a_crash_the_question_is_asked_anew_and_the_old_one_counts() {
    let bench = Bench::new().check("crash", "→ ask\ncrash\n→ ask");
    let worst = bench.state.asked.as_ref().unwrap().worst;
    // The lost question at its worst, and the new one's reserve.
    assert_eq!(bench.state.spent.tokens, worst.tokens + worst.tokens);
}

#[test]
fn refusals_are_told_and_decide_the_ending() {
    Bench::new().check(
        "call edit({})\ndenied no terminal\nsay I could not",
        "→ ask\ncall edit({})\n→ run edit\ndenied no terminal\n→ ask\nsay I could not\n→ refused: no terminal",
    );
    Bench::new().check(
        "call edit({})\ndenied no\ncall edit({\"b\":1})\nchanged b\nsay done",
        "→ ask\ncall edit({})\n→ run edit\ndenied no\n→ ask\ncall edit({\"b\":1})\n→ run edit\nchanged b\n\
         → ask\nsay done\n→ done: done",
    );
}

#[test]
fn an_answer_with_a_schema_may_have_words_around_it() {
    for said in
        ["{\"n\":1}", "```json\n{\"n\": 1}\n```", "Here: {\"n\":1}. Done.", "```\n{\"n\":1}```"]
    {
        let mut bench = Bench::new();
        bench.schema = Some(json!({ "type": "object", "required": ["n"] }));
        bench.start();
        bench.answers(said, &[], Stop::EndTurn);
        assert!(bench.log.ends_with("→ done: {\"n\":1}\n"), "{said}: {}", bench.log);
    }
}

#[test]
fn an_answer_with_a_schema_is_asked_for_until_it_follows_it() {
    let mut bench = Bench::new();
    bench.schema = Some(json!({ "type": "object", "required": ["n"] }));
    bench.check(
        "say forty-two
         call finish({\"answer\":{}})
         call finish({\"answer\":{\"n\":42}})",
        "→ ask
         say forty-two
         → nudge: Use a tool call for your next step
         → ask
         call finish({\"answer\":{}})
         → run finish
         → ask
         call finish({\"answer\":{\"n\":42}})
         → done: {\"n\":42}",
    );
}

#[test]
fn a_request_grows_at_its_end_only() {
    let mut bench = Bench::new();
    bench.start();
    let mut before: Vec<Arc<Message>> = Vec::new();
    for turn in 0..20 {
        let request = bench.agent.definition.request(&bench.state, Purpose::Turn, 10);
        assert!(request.messages.len() > before.len());
        for (old, new) in before.iter().zip(&request.messages) {
            assert!(Arc::ptr_eq(old, new), "a message was written anew in turn {turn}");
        }
        before = request.messages;
        bench.answers("", &[&format!("read({{\"n\":{turn}}})")], Stop::ToolCalls);
        bench.tool(ToolOutcome::Succeeded, &format!("result {turn}"), &[]);
    }
}

#[test]
fn replaying_the_events_gives_the_same_state() {
    let script = Bench::new().check(
        "call read({}) edit({})\nok x\nchanged a\nfail cut_off\nsay done",
        "→ ask\ncall read({}) edit({})\n→ run read\n→ run edit\nok x\nchanged a\n→ ask\nfail cut_off\n→ ask\n\
         say done\n→ done: done",
    );
    assert_eq!(script.state.phase, Phase::Idle);
    assert!(script.agent.outstanding(&script.state).is_empty());
}

#[test]
fn a_budget_counts_from_the_task_on() {
    let mut bench = Bench::new();
    bench.limits.budget.tokens = Some(Tokens::new(4_000));
    let mut bench = bench.check("say one", "→ ask\nsay one\n→ done: one");
    assert!(bench.state.spent.tokens > Tokens::ZERO);
    for _ in 0..20 {
        bench.feed(Input::Task(Tasked {
            text: "and now".into(),
            attachments: vec![],
            output_schema: None,
            goes_on: false,
        }));
        let asked = bench.state.asked.clone().expect("each task has the whole budget");
        assert_eq!(bench.state.spent, asked.worst);
        bench.answers("done", &[], Stop::EndTurn);
    }
}

#[test]
fn a_fork_in_the_middle_of_calls_knows_those_that_ran() {
    let mut bench = Bench::new().check(
        "call read({}) edit({}) read({\"a\":1})\nok one",
        "→ ask\ncall read({}) edit({}) read({\"a\":1})\n→ run read\n→ run edit\n→ run read\nok one",
    );
    let started = Started::clone(bench.state.started.as_deref().unwrap());
    let fork = Started { session: SessionId::from_bits(8), ..started };
    bench.agent.evolve(&mut bench.state, &fork.into(), bench.now);
    bench.is_well_formed();
    let results: Vec<(&str, bool)> = bench
        .state
        .messages
        .last()
        .unwrap()
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolResult(result) => Some((result.text.as_str(), result.is_error)),
            _ => None,
        })
        .collect();
    assert_eq!(results[0], ("one", false));
    for (text, is_error) in &results[1..] {
        assert!(text.starts_with("It had begun") && *is_error, "{text}");
    }
}

#[test]
fn where_another_model_may_stand_in_every_byte_is_reserved() {
    for fallbacks in [false, true] {
        let mut bench = Bench::new().check("call read({})", "→ ask\ncall read({})\n→ run read");
        let mut started = Started::clone(bench.state.started.as_deref().unwrap());
        started.model.fallbacks = fallbacks;
        bench.state.started = Some(Arc::new(started));
        bench.tool(ToolOutcome::Succeeded, "x", &[]);
        let asked = bench.state.asked.clone().unwrap();
        let uncounted = State { weighed: None, ..bench.state.clone() };
        let bytes = bench.agent.definition.prompt_bound(&uncounted).get();
        let reserved = asked.worst.tokens.get() - u64::from(asked.max_output);
        assert_eq!(reserved == bytes, fallbacks, "{reserved} of {bytes}");
    }
}
