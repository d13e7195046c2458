//! Bottega and its peers, a row each: what they are called and how they run headless against one address.
//!
//! Sources: each product's own documentation as of November 2026. All are allowed whatever stays in the workspace,
//! in their own words, and each that has a sandbox is measured in it; one that can also do without has a second row.

use crate::agent::{Agent, Setup, on_path};
use crate::binary;

const BOTTEGA: Setup = Setup {
    name: "bottega",
    program: "bottega",
    version: &["--version"],
    words: &[
        "run",
        "--model",
        "openrouter/scripted-large",
        "--access-mode",
        "auto",
        "--max-turns",
        "1000",
        "{task}",
    ],
    variables: &[("OPENROUTER_BASE_URL", "{url}/api/v1"), ("OPENROUTER_API_KEY", "sk-bench")],
    files: &[],
    calls_tools: true,
};

const PEERS: &[Setup] = &[
    Setup {
        name: "goose",
        program: "goose",
        version: &["--version"],
        words: &["run", "--with-builtin", "developer", "--text", "{task}"],
        variables: &[
            ("GOOSE_PROVIDER", "openai"),
            ("GOOSE_MODEL", "gpt-4o"),
            ("GOOSE_MODE", "auto"),
            ("GOOSE_DISABLE_KEYRING", "1"),
            ("GOOSE_MAX_TURNS", "1000"),
            ("OPENAI_HOST", "{url}"),
            ("OPENAI_API_KEY", "sk-bench"),
        ],
        files: &[],
        calls_tools: true,
    },
    Setup {
        name: "codex",
        program: "codex",
        version: &["--version"],
        words: &["exec", "--skip-git-repo-check", "--sandbox", "workspace-write", "{task}"],
        variables: &[("CODEX_HOME", "{home}/.codex"), ("SCRIPTED_KEY", "sk-bench")],
        files: &[(".codex/config.toml", CODEX)],
        calls_tools: true,
    },
    Setup {
        name: "codex without its sandbox",
        program: "codex",
        version: &["--version"],
        words: &[
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            "{task}",
        ],
        variables: &[("CODEX_HOME", "{home}/.codex"), ("SCRIPTED_KEY", "sk-bench")],
        files: &[(".codex/config.toml", CODEX)],
        calls_tools: true,
    },
    Setup {
        name: "claude",
        program: "claude",
        version: &["--version"],
        words: &["--print", "--dangerously-skip-permissions", "--model", "sonnet", "{task}"],
        variables: &[
            ("ANTHROPIC_BASE_URL", "{url}"),
            ("ANTHROPIC_API_KEY", "sk-bench"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            // It skips no permissions as root, unless it is told that it is alone on the machine.
            ("IS_SANDBOX", "1"),
        ],
        files: &[],
        calls_tools: true,
    },
    Setup {
        name: "opencode",
        program: "opencode",
        version: &["--version"],
        words: &["run", "--model", "scripted/scripted", "{task}"],
        variables: &[("OPENCODE_DISABLE_AUTOUPDATE", "1")],
        files: &[(
            ".config/opencode/opencode.json",
            r#"{ "provider": { "scripted": { "npm": "@ai-sdk/openai-compatible", "name": "scripted",
                 "options": { "baseURL": "{url}/v1", "apiKey": "sk-bench" },
                 "models": { "scripted": { "name": "scripted", "tool_call": true,
                   "limit": { "context": 200000, "output": 8000 } } } } },
               "permission": { "edit": "allow", "bash": "allow", "external_directory": "allow" },
               "autoupdate": false, "share": "disabled" }"#,
        )],
        calls_tools: true,
    },
    Setup {
        name: "pi",
        program: "pi",
        version: &["--version"],
        words: &["--print", "--provider", "scripted", "--model", "scripted", "{task}"],
        variables: &[("PI_OFFLINE", "1")],
        files: &[(
            ".pi/agent/models.json",
            r#"{ "providers": { "scripted": { "baseUrl": "{url}/v1", "api": "openai-completions",
                 "apiKey": "sk-bench", "models": [{ "id": "scripted", "name": "scripted",
                 "reasoning": false, "input": ["text"], "contextWindow": 200000, "maxTokens": 8000,
                 "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 } }] } } }"#,
        )],
        calls_tools: true,
    },
    Setup {
        name: "gemini",
        program: "gemini",
        version: &["--version"],
        words: &["--yolo", "--model", "gemini-2.5-pro", "--prompt", "{task}"],
        variables: &[
            ("GOOGLE_GEMINI_BASE_URL", "{url}"),
            ("GEMINI_API_KEY", "sk-bench"),
            ("GEMINI_CLI_TRUST_WORKSPACE", "true"),
        ],
        files: &[(
            ".gemini/settings.json",
            r#"{ "security": { "auth": { "selectedType": "gemini-api-key" } },
                 "general": { "disableAutoUpdate": true },
                 "privacy": { "usageStatisticsEnabled": false } }"#,
        )],
        calls_tools: true,
    },
    Setup {
        name: "qwen",
        program: "qwen",
        version: &["--version"],
        words: &["--yolo", "--prompt", "{task}"],
        variables: &[
            ("OPENAI_BASE_URL", "{url}/v1"),
            ("OPENAI_API_KEY", "sk-bench"),
            ("OPENAI_MODEL", "scripted"),
        ],
        files: &[(
            ".qwen/settings.json",
            r#"{ "security": { "auth": { "selectedType": "openai" } },
                 "general": { "disableAutoUpdate": true },
                 "privacy": { "usageStatisticsEnabled": false } }"#,
        )],
        calls_tools: true,
    },
    Setup {
        name: "aider",
        program: "aider",
        version: &["--version"],
        words: &[
            "--model",
            "openai/scripted",
            "--yes-always",
            "--no-check-update",
            "--no-analytics",
            "--no-show-model-warnings",
            "--no-pretty",
            "--no-gitignore",
            "--message",
            "{task}",
        ],
        variables: &[("OPENAI_API_BASE", "{url}/v1"), ("OPENAI_API_KEY", "sk-bench")],
        files: &[],
        calls_tools: false,
    },
];

const CODEX: &str = r#"model = "gpt-5"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
"#;

/// What is measured: built as this benchmark was.
pub(crate) fn bottega() -> Agent {
    Agent { setup: &BOTTEGA, program: binary::bottega().to_path_buf() }
}

/// The peers that the `PATH` has.
pub(crate) fn installed_peers() -> Vec<Agent> {
    let found = PEERS.iter().filter_map(|setup| Some((setup, on_path(setup.program)?)));
    found.map(|(setup, program)| Agent { setup, program }).collect()
}

/// The others, by name.
pub(crate) fn absent_peers() -> Vec<&'static str> {
    PEERS.iter().filter(|setup| on_path(setup.program).is_none()).map(|setup| setup.name).collect()
}
