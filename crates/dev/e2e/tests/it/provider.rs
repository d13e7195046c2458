//! How `bottega` is told of a scripted provider: by the variables of the official clients.

use bottega_testkit::{ScriptedServer, WireProtocol};

/// The key that every scenario uses, unless it is about keys.
pub(crate) const KEY: &str = "sk-e2e-0123456789abcdef";

/// A scripted server, spoken to in one protocol.
pub(crate) struct Provider<'s> {
    pub(crate) protocol: WireProtocol,
    pub(crate) server: &'s ScriptedServer,
    pub(crate) key: &'static str,
}

/// How a protocol's official client is set up.
struct Client {
    protocol: WireProtocol,
    /// The model, as `--model` takes it. None of them is known to be small.
    model: &'static str,
    address: &'static str,
    /// What follows host and port in the address.
    path: &'static str,
    key: &'static str,
}

#[rustfmt::skip]
const CLIENTS: [Client; 5] = [
    Client { protocol: WireProtocol::Anthropic, model: "anthropic/claude-sonnet-5-5", address: "ANTHROPIC_BASE_URL", path: "", key: "ANTHROPIC_API_KEY" },
    Client { protocol: WireProtocol::Responses, model: "openai/gpt-5.6", address: "OPENAI_BASE_URL", path: "/v1", key: "OPENAI_API_KEY" },
    Client { protocol: WireProtocol::ChatCompletions, model: "openrouter/scripted-large", address: "OPENROUTER_BASE_URL", path: "/api/v1", key: "OPENROUTER_API_KEY" },
    Client { protocol: WireProtocol::Gemini, model: "gemini/gemini-2.5-pro", address: "GOOGLE_GEMINI_BASE_URL", path: "", key: "GEMINI_API_KEY" },
    Client { protocol: WireProtocol::Ollama, model: "ollama/scripted-large", address: "OLLAMA_HOST", path: "", key: "OLLAMA_API_KEY" },
];

impl<'s> Provider<'s> {
    pub(crate) const fn new(protocol: WireProtocol, server: &'s ScriptedServer) -> Self {
        Self { protocol, server, key: KEY }
    }

    /// The protocol that most servers speak, for scenarios in which it does not matter.
    pub(crate) const fn usual(server: &'s ScriptedServer) -> Self {
        Self::new(WireProtocol::ChatCompletions, server)
    }

    fn client(&self) -> &'static Client {
        CLIENTS.iter().find(|client| client.protocol == self.protocol).unwrap()
    }

    pub(crate) fn model(&self) -> &'static str {
        self.client().model
    }

    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        let client = self.client();
        let address = match self.protocol {
            // Its client takes host and port alone.
            WireProtocol::Ollama => self.server.address().to_string(),
            WireProtocol::Anthropic
            | WireProtocol::Responses
            | WireProtocol::ChatCompletions
            | WireProtocol::Gemini => format!("{}{}", self.server.url(), client.path),
        };
        [(client.address, address), (client.key, self.key.to_owned())]
    }
}
