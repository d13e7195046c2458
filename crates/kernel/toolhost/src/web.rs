//! The web of one call: what it said that it would reach, and where redirects lead, each judged anew.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bottega_policy::egress::{HostRule, WebUrl};
use bottega_policy::{AccessMode, Grant, Need, Origin, Request, Rules, Verdict, judge};
use bottega_tool::{Web, WebAnswer, WebError};

use crate::{SessionScope, ToolHost};

/// Redirects of one page at most.
const MOST_REDIRECTS: usize = 5;

/// The web of one call.
pub(crate) struct JudgedWeb {
    web: Arc<dyn Web>,
    tool: String,
    /// What the call was judged by, for the hosts that it did not know of.
    mode: AccessMode,
    rules: Rules,
    grants: Vec<Grant>,
    carries: Vec<Origin>,
    /// What the call needed and has, perhaps by a person's word for this once.
    has: Vec<HostRule>,
    reached: Mutex<BTreeSet<String>>,
}

impl JudgedWeb {
    /// The web of a call that may do what it needs; nothing where it needs no host.
    pub(crate) fn of(
        host: &ToolHost,
        scope: &SessionScope,
        mode: AccessMode,
        tool: &str,
        needs: &[Need],
    ) -> Option<Arc<Self>> {
        let has: Vec<HostRule> = needs
            .iter()
            .filter_map(|need| match need {
                Need::Network { host } => host.parse().ok(),
                Need::Read { .. } | Need::Write { .. } | Need::Execute { .. } => None,
            })
            .collect();
        (!has.is_empty()).then(|| {
            Arc::new(Self {
                web: Arc::clone(&host.parts.web),
                tool: tool.to_owned(),
                mode,
                rules: host.parts.rules.clone(),
                grants: scope.grants(),
                carries: scope.carries(),
                has,
                reached: Mutex::default(),
            })
        })
    }

    /// What was reached, as needs: whoever answered is where the output comes from.
    pub(crate) fn reached(&self) -> Vec<Need> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.iter().map(|host| Need::Network { host: host.clone() }).collect()
    }

    fn judge(&self, url: &WebUrl) -> Verdict {
        if self.has.iter().any(|rule| rule.grants(url.target())) {
            return Verdict::Allow;
        }
        let needs = vec![Need::Network { host: HostRule::of(url.target()).to_string() }];
        let request = Request { tool: self.tool.clone(), needs, carries: self.carries.clone() };
        judge(self.mode, &self.rules, &self.grants, &request)
    }

    async fn ask(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        let host = HostRule::of(url.target()).to_string();
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).insert(host);
        self.web.get(url).await
    }

    /// Where an answer leads, if that may be followed.
    fn next(&self, answer: &WebAnswer, redirect: &str) -> Result<WebUrl, WebError> {
        let from = answer.url.to_string();
        let next = match answer.url.join(redirect) {
            Ok(next) => next,
            Err(why) => return Err(WebError::Nowhere { from, why }),
        };
        let host = &next.target().host;
        let ask = "call the tool with that address to ask for it";
        let why = match self.judge(&next) {
            Verdict::Allow if answer.url.is_secure() && !next.is_secure() => {
                format!("which is not encrypted; {ask}")
            }
            Verdict::Allow => return Ok(next),
            Verdict::Ask { why } => {
                format!("and {host} was not allowed with this call ({why}); {ask}")
            }
            Verdict::Deny { why } => format!("and {host} is not allowed: {why}"),
        };
        Err(WebError::Elsewhere { from, to: next.to_string(), why })
    }
}

#[async_trait]
impl Web for JudgedWeb {
    async fn get(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        if self.judge(url) != Verdict::Allow {
            return Err(WebError::NotAskedFor { target: url.target().clone() });
        }
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.ask(&url).await?;
            match &answer.redirect {
                None => return Ok(answer),
                Some(redirect) => url = self.next(&answer, redirect)?,
            }
        }
        Err(WebError::Circles { most: MOST_REDIRECTS, to: url.to_string() })
    }
}
