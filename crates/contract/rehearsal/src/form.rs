//! The form of a script's file: one documented field per key, from which unknown keys are known.

use std::collections::BTreeMap;

use bottega_manifest::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;

/// A whole script.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ScriptForm {
    /// What it shows, in a sentence.
    pub(crate) name: String,
    /// The agent's own settings, as `--config` gives them.
    #[serde(default)]
    pub(crate) config: Option<Value>,
    /// What random numbers begin with.
    #[serde(default)]
    pub(crate) seed: u64,
    /// What time it is at the beginning, by RFC 3339: `2026-01-01T00:00:00Z`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) now: Option<Spanned<String>>,
    /// What it keeps at the beginning: texts by their keys.
    #[serde(default)]
    pub(crate) keys: BTreeMap<String, String>,
    /// The files of its folder: texts by their paths.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) files: BTreeMap<Spanned<String>, String>,
    /// Who can be found in the directory.
    #[serde(default)]
    #[schemars(with = "Vec<Value>")]
    pub(crate) directory: Vec<Spanned<Value>>,
    /// What the web answers, each once.
    #[serde(default)]
    #[schemars(with = "Vec<HttpForm>")]
    pub(crate) http: Vec<Spanned<HttpForm>>,
    /// What a model answers, each once.
    #[serde(default)]
    #[schemars(with = "Vec<ModelForm>")]
    pub(crate) model: Vec<Spanned<ModelForm>>,
    /// What tools answer, each once.
    #[serde(default)]
    #[schemars(with = "Vec<ToolForm>")]
    pub(crate) tools: Vec<Spanned<ToolForm>>,
    /// What is expected before the first message.
    #[serde(default)]
    #[schemars(with = "Option<BeginForm>")]
    pub(crate) begin: Option<Spanned<BeginForm>>,
    /// What it hears, and what is expected then.
    #[serde(default)]
    #[schemars(with = "Vec<StepForm>")]
    pub(crate) steps: Vec<Spanned<StepForm>>,
}

/// An answer of the web.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct HttpForm {
    /// To requests with this method; to any when absent.
    pub(crate) method: Option<String>,
    /// To requests for this address; for any when absent.
    pub(crate) url: Option<String>,
    /// The status code.
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// Headers by their names.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub(crate) body: String,
    /// The request fails with these words instead.
    pub(crate) refuses: Option<String>,
}

const fn ok() -> u16 {
    200
}

/// An answer of a model.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ModelForm {
    /// To questions with these words in their prompt; to any when absent.
    pub(crate) asked: Option<String>,
    /// Its words.
    #[serde(default)]
    pub(crate) says: String,
    /// What question and answer cost, in tokens.
    #[serde(default)]
    pub(crate) tokens: u64,
    /// The question fails with these words instead.
    pub(crate) refuses: Option<String>,
}

/// An answer of a tool.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ToolForm {
    /// To calls of this tool; of any when absent.
    pub(crate) tool: Option<String>,
    /// To calls with these arguments; with any when absent.
    pub(crate) arguments: Option<Value>,
    /// Its words.
    #[serde(default)]
    pub(crate) says: String,
    /// The call fails with these words instead.
    pub(crate) refuses: Option<String>,
}

/// What is expected before the first message.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct BeginForm {
    /// The messages that it sends, all of them, in their order.
    #[serde(default)]
    pub(crate) says: Vec<MessageForm>,
    /// The lines that it logs, each `LEVEL: TEXT`; any when absent.
    pub(crate) logs: Option<Vec<String>>,
    /// What else it asks its host for, one line each; anything when absent.
    pub(crate) asks: Option<Vec<String>>,
    /// What it keeps afterwards, as far as it is named.
    #[serde(default)]
    pub(crate) keeps: BTreeMap<String, String>,
    /// It says that it can't, with these words.
    pub(crate) refuses: Option<String>,
    /// It ends against its will, with these words.
    pub(crate) fails: Option<String>,
}

/// One message, and what is expected then.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct StepForm {
    /// Time that passes before it hears.
    pub(crate) advance: Option<Period>,
    /// Whether it is put in its own place before it hears, with what it saved: as an upgrade does.
    #[serde(default)]
    pub(crate) upgrade: bool,
    /// The message.
    pub(crate) hear: MessageForm,
    /// The messages that it sends, all of them, in their order.
    #[serde(default)]
    pub(crate) says: Vec<MessageForm>,
    /// The lines that it logs, each `LEVEL: TEXT`; any when absent.
    pub(crate) logs: Option<Vec<String>>,
    /// What else it asks its host for, one line each; anything when absent.
    pub(crate) asks: Option<Vec<String>>,
    /// What it keeps afterwards, as far as it is named.
    #[serde(default)]
    pub(crate) keeps: BTreeMap<String, String>,
    /// It says that it can't, with these words.
    pub(crate) refuses: Option<String>,
    /// It ends against its will, with these words. The next step meets one that begins anew.
    pub(crate) fails: Option<String>,
}

/// A message by the parameters of SC00061.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct MessageForm {
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) performative: Option<String>,
    /// Who says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sender: Option<Value>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receiver: Option<Value>,
    /// To whom an answer goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<Value>,
    /// What it says: text, or anything else for its JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Value>,
    /// The language of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    /// The encoding of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
    /// Where the words of the content are defined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ontology: Option<String>,
    /// The rules of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
    /// The conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conversation_id: Option<String>,
    /// What an answer is to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_with: Option<String>,
    /// What it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_reply_to: Option<String>,
    /// Until when an answer is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_by: Option<String>,
}
