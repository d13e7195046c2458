//! A loaded model: weights, chat template, and what both say about a request.

use std::path::Path;
use std::sync::Arc;

use bottega_llm::{ChatRequest, ErrorKind, ModelError};

use super::llama::{Token, TokenKind, Weights};
use super::options::EngineOptions;
use super::prompt;
use super::shelf;
use super::template::{CALL_CLOSES, CALL_OPENS, ChatTemplate};
use super::threads::Ticks;
use super::untrusted::Spellings;

/// What is shared by everyone who asks one model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) weights: Arc<Weights>,
    pub(crate) template: ChatTemplate,
    /// Taken before loading, so that the first answer knows the free cores.
    pub(crate) before_loading: Option<Ticks>,
}

impl Model {
    /// Reads the file.
    pub(crate) fn load(options: &EngineOptions) -> Result<Self, String> {
        let before_loading = Ticks::now();
        check_file(&options.path)?;
        let gpu_layers = options.gpu_layers.map_or(-1, |n| i32::try_from(n).unwrap_or(i32::MAX));
        let weights = Weights::load(&options.path, gpu_layers)?;
        let source = weights.chat_template();
        let (begin, end) = weights.begin_and_end();
        let name = |token: Token| String::from_utf8_lossy(&weights.bytes(token)).into_owned();
        let today = options.clock.now().day().to_string();
        let template = ChatTemplate::new(
            source.as_deref(),
            &name(begin),
            &name(end),
            &today,
            spellings(&weights, source.as_deref().unwrap_or_default()),
        )?;
        Ok(Self { weights: Arc::new(weights), template, before_loading })
    }

    /// The prompt's tokens, before any reuse.
    pub(crate) fn prompt(&self, request: &ChatRequest) -> Result<Vec<Token>, ModelError> {
        let rendered = self
            .template
            .prompt(request)
            .map_err(|why| ModelError::new(ErrorKind::Unsupported, why))?;
        Ok(prompt::tokenize(&self.weights, &rendered))
    }

    /// How many tokens `request` takes, given what was read before.
    pub(crate) fn count(
        &self,
        request: &ChatRequest,
        histories: &[Arc<[Token]>],
    ) -> Result<usize, ModelError> {
        let prompt = self.prompt(request)?;
        Ok(shelf::best(self.weights.as_ref(), histories, &prompt).1.tokens.len())
    }
}

/// llama.cpp reports little about a bad file, so the commonest causes are found out before.
fn check_file(path: &Path) -> Result<(), String> {
    use std::io::Read as _;
    let mut magic = [0; 4];
    std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut magic))
        .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    if &magic == b"GGUF" { Ok(()) } else { Err(format!("{} is not a GGUF file", path.display())) }
}

/// Every spelling that untrusted text must not get through: the control tokens, and those markers
/// that the template or a call uses.
fn spellings(weights: &Weights, template: &str) -> Spellings {
    let mut spellings = vec![CALL_OPENS.to_owned(), CALL_CLOSES.to_owned()];
    for token in 0..weights.vocabulary_size() {
        let kind = weights.kind(token);
        if kind == TokenKind::Text {
            continue;
        }
        let Ok(spelling) = String::from_utf8(weights.bytes(token)) else { continue };
        let steers = match kind {
            TokenKind::Control => true,
            TokenKind::Marker => template.contains(&spelling) && !spelling.trim().is_empty(),
            TokenKind::Text => false,
        };
        if steers && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    Spellings::new(spellings)
}
