//! `model`: questions to a model within a budget.

use bottega_manifest::Question;
use bottega_types::Tokens;

use super::{Refused, refused};
use crate::bindings::guest::model::{Answer, Host, Question as Asked};
use crate::inside::Inside;

/// What a provider may add of its own to a question: its template and the frame of a message, as the gateway counts them.
const FRAME: u64 = 1_056;

impl Host for Inside {
    async fn ask(&mut self, question: Asked) -> wasmtime::Result<Result<Answer, Refused>> {
        let Asked { route, instructions, prompt, longest } = question;
        let bytes = instructions.len().saturating_add(prompt.len());
        self.called(bytes)?;
        // Granted, or this would not be in the linker.
        let routes = self.terms.manifest.capabilities.model.as_ref().map(|grant| &grant.routes);
        if let Some(route) = &route
            && routes.is_none_or(|routes| !routes.contains(route))
        {
            let why = format!("the route `{route}` was not granted");
            return Ok(Err(Refused::Denied(why)));
        }
        // No tokenizer makes more tokens than there are bytes.
        let worst = u64::from(longest).saturating_add(bytes as u64).saturating_add(FRAME);
        let Some(within) = self.budget().reserve(Tokens::new(worst)) else {
            return Ok(Err(Refused::Exhausted("the budget for models is used up".to_owned())));
        };
        let longest = Tokens::new(u64::from(longest));
        let question = Question { route, instructions, prompt, longest, within };
        // A question that is cut off counts at its worst: what it really cost is not known.
        let answer = self.waited(self.provision.host.ask(question)).await?;
        let spent = answer.as_ref().map_or(Tokens::ZERO, |answer| answer.tokens);
        self.budget().settle(within, spent);
        let shown = |answer: bottega_manifest::Answer| Answer {
            text: answer.text,
            tokens: answer.tokens.get(),
        };
        Ok(answer.map(shown).map_err(refused))
    }

    fn remaining(&mut self) -> wasmtime::Result<u64> {
        self.called(0)?;
        Ok(self.budget().left().get())
    }
}
