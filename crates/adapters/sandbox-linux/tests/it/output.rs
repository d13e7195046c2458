//! What is kept of an output, and what the sink hears.

use bottega_sandbox_linux::Namespaces;
use bottega_tool::{Ending, Sandbox, StreamName};

use crate::world::{Heard, World, wait};

#[test]
fn a_flood_is_bounded_and_counted_and_wholly_heard() {
    let world = World::new(Namespaces::WhereAllowed);
    let mut spec = world.sh("echo begin; head -c 1000000 /dev/zero | tr '\\0' x; echo end >&2");
    spec.keep_output = 100;
    let heard = Heard::default();
    let outcome = wait(world.sandbox.run(&spec, &heard)).unwrap();
    assert_eq!(outcome.ending, Ending::Exited(0));
    assert!(
        outcome.output.starts_with("begin\nxxx") && outcome.output.contains("xxx"),
        "{}",
        outcome.output
    );
    assert_eq!(outcome.omitted, 1_000_010 - 200);
    assert!(outcome.output.contains("[… 999810 bytes left out …]"), "{}", outcome.output);
    let heard = heard.0.into_inner().unwrap();
    let length = |wanted: StreamName| -> usize {
        heard.iter().filter(|(stream, _)| *stream == wanted).map(|(_, bytes)| bytes.len()).sum()
    };
    assert_eq!((length(StreamName::Out), length(StreamName::Err)), (1_000_006, 4));
}
