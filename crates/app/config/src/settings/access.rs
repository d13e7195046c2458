//! `[access]`: what may be done without asking.

use bottega_policy::{AccessMode, Outflow, Rule, Rules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::marker;

/// What may be done without asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSettings {
    /// How much an agent may do without asking.
    pub mode: AccessMode,
    /// Exceptions from the mode.
    pub rules: RuleSettings,
    /// Globs of places, relative to the workspace or absolute, where every change needs a person in
    /// every mode, besides those that are always protected (`.git` internals, Bottega's own files). Caged commands
    /// can't change them; commands in `full` are held to it as far as their line names them, or plainly changes them
    /// without naming them (`git config`, `find . -delete`).
    /// The layers add to each other.
    #[schemars(extend("x-layers" = "add"))]
    pub protected: Vec<String>,
    /// What is done with a call that may carry text of untrusted origin away, over the network or by a command
    /// outside the sandbox that sends (`curl`, `ssh`, `git push`, …): ask a person in every mode, deny it, or do as the mode says.
    pub outflow: Outflow,
}

/// Exceptions from the access mode: `read:GLOB`, `write:GLOB`, `run:PREFIX` or `net:HOST`. In a glob
/// `*` stays within one folder and `**` does not; a command prefix matches whole words; a host
/// `*.example.org` covers its subdomains. A host without a port is each of its ports in `deny` and `ask`, and the ports
/// 80 and 443 in `allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// Never, whatever the mode and whoever says yes. Rules about files hold file tools and caged commands, and in `full`
    /// what a line names. Rules about commands hold what a line names, behind programs that run others too (`env`,
    /// `sudo`, `sh -c`); what a script or another program starts by itself they do not see. The layers add to each other.
    #[schemars(with = "Vec<marker::Rule>", extend("x-layers" = "add"))]
    pub deny: Vec<Rule>,
    /// Always ask, even where the mode would allow. The layers add to each other.
    #[schemars(with = "Vec<marker::Rule>", extend("x-layers" = "add"))]
    pub ask: Vec<Rule>,
    /// Without asking, even where the mode would ask.
    #[schemars(with = "Vec<marker::Rule>")]
    pub allow: Vec<Rule>,
    /// Origins whose text is vouched for (`read:GLOB`, `net:HOST`, `run:PREFIX`): what is read there may leave the
    /// machine as the mode says. Everything in the workspace is.
    #[schemars(with = "Vec<marker::Rule>")]
    pub trust: Vec<Rule>,
}

impl From<&RuleSettings> for Rules {
    fn from(settings: &RuleSettings) -> Self {
        let RuleSettings { deny, ask, allow, trust } = settings.clone();
        Self { deny, ask, allow, trust, outflow: Outflow::default() }
    }
}
