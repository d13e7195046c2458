//! How fast the engine is, next to a bare loop over the library on the same file in the same run.

use std::sync::Arc;
use std::time::Instant;

use bottega_llm::{ChatModel as _, ChatRequest, Message, ModelError, Sampling, StreamEvent, Usage};
use futures::StreamExt as _;

use super::Engine;
use super::llama::{Session, SessionOptions, Weights};
use super::options::EngineOptions;
use super::writer::BATCH;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchOptions {
    /// Prompt tokens to read, roughly.
    pub prompt: u32,
    /// Answer tokens to write.
    pub output: u32,
    /// Rounds of engine and bare loop, alternating; the best of each counts.
    pub rounds: u32,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self { prompt: 512, output: 64, rounds: 3 }
    }
}

/// Tokens per second, the best of all rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BenchResult {
    /// The engine, reading a prompt.
    pub prompt: f64,
    /// The bare loop, reading as many tokens.
    pub bare_prompt: f64,
    /// The engine, writing an answer.
    pub output: f64,
    /// The bare loop, writing as many tokens.
    pub bare_output: f64,
    /// Threads used by both.
    pub threads: u32,
}

impl BenchResult {
    /// The engine's share of the bare loop's prompt speed.
    #[must_use]
    pub fn prompt_ratio(&self) -> f64 {
        self.prompt / self.bare_prompt
    }

    /// The engine's share of the bare loop's answer speed.
    #[must_use]
    pub fn output_ratio(&self) -> f64 {
        self.output / self.bare_output
    }
}

/// Measures. Both sides use the same number of threads: that of `options`, or one.
///
/// # Errors
/// As [`Engine::stream`](bottega_llm::ChatModel::stream).
pub async fn bench(options: EngineOptions, what: BenchOptions) -> Result<BenchResult, ModelError> {
    let threads = options.threads.unwrap_or(1);
    let options = EngineOptions { threads: Some(threads), parked_bytes: 0, ..options };
    let engine = Arc::new(Engine::new(options)?);
    let mut result = BenchResult { threads, ..BenchResult::default() };
    engine.load()?;
    for round in 0..what.rounds.max(1) {
        let (prompt, output, usage) = answer(&engine, what, round).await?;
        result.prompt = result.prompt.max(prompt);
        result.output = result.output.max(output);
        let model = engine.parts.model()?;
        let weights = Arc::clone(&model.weights);
        // The same numbers of tokens, cut into the same batches.
        let load = Load {
            read: usize::try_from(usage.fresh().get()).unwrap_or(0),
            written: usize::try_from(usage.output.get()).unwrap_or(0),
            threads,
        };
        let bare = tokio::task::spawn_blocking(move || bare(weights, load));
        let (prompt, output) = bare.await.unwrap_or_default();
        result.bare_prompt = result.bare_prompt.max(prompt);
        result.bare_output = result.bare_output.max(output);
    }
    Ok(result)
}

/// One answer of the engine; every round asks something else, so that no prefix is known.
async fn answer(
    engine: &Engine,
    what: BenchOptions,
    round: u32,
) -> Result<(f64, f64, Usage), ModelError> {
    let words = usize::try_from(what.prompt / 2).unwrap_or(1);
    let text = format!("Round {round}. {}Count from one to one thousand.", "word, ".repeat(words));
    let mut request = ChatRequest::new("bench", vec![Arc::new(Message::user(text))]);
    request.sampling = Sampling { temperature: Some(0.7), seed: Some(1), ..Sampling::default() };
    request.max_output = Some(what.output);
    let before = engine.stats();
    let mut stream = engine.stream(Arc::new(request)).await?;
    let mut read = None;
    let mut usage = Usage::default();
    while let Some(event) = stream.next().await {
        match event? {
            StreamEvent::PromptProgress { done, total } if done == total => {
                read = Some(Instant::now());
            }
            StreamEvent::Usage(counted) => usage = counted,
            StreamEvent::Started { .. }
            | StreamEvent::PromptProgress { .. }
            | StreamEvent::Text(_)
            | StreamEvent::Reasoning(_)
            | StreamEvent::ReasoningSignature(_)
            | StreamEvent::ToolCallStarted { .. }
            | StreamEvent::ToolCallDelta { .. }
            | StreamEvent::Ended(_) => {}
        }
    }
    let after = engine.stats();
    let rate = |tokens: (u64, u64), rate: (f64, f64)| {
        let seconds = |tokens: u64, rate: f64| if rate > 0.0 { tokens as f64 / rate } else { 0.0 };
        let took = seconds(tokens.1, rate.1) - seconds(tokens.0, rate.0);
        (tokens.1 - tokens.0) as f64 / took.max(1e-9)
    };
    let prompt =
        rate((before.prompt_tokens, after.prompt_tokens), (before.prompt_rate, after.prompt_rate));
    let took = read.map_or(f64::INFINITY, |read| read.elapsed().as_secs_f64());
    let written = usage.output.get().saturating_sub(1);
    Ok((prompt, written as f64 / took, usage))
}

/// What one answer made the engine do.
#[derive(Clone, Copy)]
struct Load {
    read: usize,
    written: usize,
    threads: u32,
}

/// The bare loop: the same numbers of tokens, each the likeliest.
fn bare(weights: Arc<Weights>, load: Load) -> (f64, f64) {
    let options = SessionOptions {
        window: u32::try_from(load.read + load.written).unwrap_or(u32::MAX).saturating_add(64),
        batch: BATCH as u32,
        threads: load.threads,
        cache: super::options::CacheType::F16,
    };
    let mut prompt = weights.tokenize(&"word, ".repeat(load.read), false);
    prompt.truncate(load.read);
    let Ok(mut session) = Session::new(weights, options) else { return (0.0, 0.0) };
    let began = Instant::now();
    for batch in prompt.chunks(BATCH) {
        if session.eval(batch).is_err() {
            return (0.0, 0.0);
        }
    }
    let read = prompt.len() as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    // As in the engine, the last token that is drawn is not read again.
    let count = load.written.saturating_sub(1);
    for _ in 0..count {
        let next = session.logits().and_then(|logits| {
            (0..).zip(logits).max_by(|a, b| a.1.total_cmp(b.1)).map(|(token, _)| token)
        });
        let Some(next) = next else { return (read, 0.0) };
        if session.eval(&[next]).is_err() {
            return (read, 0.0);
        }
    }
    (read, count as f64 / began.elapsed().as_secs_f64())
}
