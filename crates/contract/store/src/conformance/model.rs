//! A journal in a few obvious lines, and random walks on which a real one must agree with it.

use std::collections::HashMap;

use bottega_event::{Position, Revision};
use bottega_types::CommandId;

use super::{append, command, stream_id};
use crate::{Append, AppendError, Appended, Expected, Journal};

const STREAMS: [&str; 3] = ["a", "b", "c"];

/// What a journal does, without events: which streams are how long, and who was answered what.
#[derive(Default)]
struct Model {
    lengths: HashMap<String, u64>,
    total: u64,
    answered: HashMap<CommandId, Appended>,
}

impl Model {
    fn length(&self, stream: &str) -> u64 {
        self.lengths.get(stream).copied().unwrap_or(0)
    }

    fn append(&mut self, append: &Append) -> Result<Appended, AppendError> {
        if let Some(first) = self.answered.get(&append.command) {
            return Ok(Appended { repeated: true, ..first.clone() });
        }
        for batch in &append.batches {
            let actual = Revision(self.length(batch.stream.as_str()));
            if let Expected::At(expected) = batch.expected
                && expected != actual
            {
                return Err(AppendError::Moved { stream: batch.stream.clone(), expected, actual });
            }
        }
        let mut revisions = Vec::new();
        for batch in &append.batches {
            let length = self.lengths.entry(batch.stream.to_string()).or_default();
            *length += batch.events.len() as u64;
            self.total += batch.events.len() as u64;
            revisions.push(Revision(*length));
        }
        let answer = Appended { position: Position(self.total), revisions, repeated: false };
        self.answered.insert(append.command, answer.clone());
        Ok(answer)
    }
}

/// One step of a walk, drawn from the bits of a number.
fn step(bits: u64, model: &Model) -> Append {
    let pick = |shift: u32, of: u64| (bits >> shift) % of;
    let batches: Vec<_> = (0..=pick(0, 2))
        .map(|n| {
            let stream = STREAMS[((pick(2, 3) + n) % 3) as usize];
            let expected = match pick(8 + 4 * n as u32, 4) {
                0 => Expected::Any,
                1 => Expected::At(Revision(pick(20, 6))),
                _ => Expected::At(Revision(model.length(stream))),
            };
            (stream, expected, 1 + pick(30, 3) as usize)
        })
        .collect();
    append(command(pick(40, 40)), &batches)
}

/// Walks `steps` on an empty journal and on the model, and compares every answer and all that can be read.
pub async fn agrees_with_the_model(journal: &dyn Journal, steps: &[u64]) {
    let mut model = Model::default();
    for bits in steps {
        let append = step(*bits, &model);
        let expected = model.append(&append);
        assert_eq!(journal.append(append).await, expected);
    }
    let head = journal.head().await.expect("a healthy journal can be read");
    assert_eq!(head.position, Position(model.total));
    for name in STREAMS {
        let records = journal.read_stream(&stream_id(name), Revision(0), usize::MAX).await;
        let records = records.expect("a healthy journal can be read");
        assert_eq!(records.len() as u64, model.length(name));
    }
    let verified = crate::audit::verify(journal, &mut |_, _| {}).await;
    assert_eq!(verified, Ok(head));
}
