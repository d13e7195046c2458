//! Text as the Markdown definition of an agent: read, or refused with its problems in words.

#![no_main]

use bottega_manifest::AgentDefinition;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match AgentDefinition::parse(text) {
    // Its manifest has every bound that a hosted agent is held to.
    Ok(definition) => drop(definition.manifest()),
    Err(problems) => assert!(!problems.to_string().is_empty()),
});
