import assert from "node:assert/strict";
import test from "node:test";
import { Greeter } from "../src/greeter.js";

test("everybody is greeted with their number", () => {
  const greeter = new Greeter();
  assert.equal(greeter.answer({ performative: "request", content: "Ada", sender: "smith" }).content, "Hello, Ada! You are number 1.");
  assert.deepEqual(greeter.answer({ performative: "request", content: "Bob", sender: "smith" }).receiver, ["smith"]);
  assert.throws(() => greeter.answer({ performative: "request", content: 7 }));
});

test("a task is bid for, and done once it is awarded", () => {
  const greeter = new Greeter();
  const bid = greeter.answer({ performative: "cfp", sender: "market", "conversation-id": "cnv_1", content: "{}" });
  assert.equal(bid.performative, "propose");
  assert.equal(bid["conversation-id"], "cnv_1");
  assert.ok(JSON.parse(bid.content).price > 0);
  const done = greeter.answer({ performative: "accept-proposal", content: JSON.stringify({ task: "greet Eve" }) });
  assert.equal(done.content, "Hello, Eve! You are number 1.");
  assert.equal(greeter.answer({ performative: "subscribe", content: "news" }).performative, "not-understood");
  for (const performative of ["reject-proposal", "inform", "not-understood"])
    assert.equal(greeter.answer({ performative, content: "better bids" }), null);
});

test("what was saved is taken over", () => {
  const greeter = new Greeter();
  greeter.restore("41");
  assert.equal(greeter.save(), "41");
  assert.match(greeter.answer({ performative: "request", content: "Ada" }).content, /number 42/);
  assert.throws(() => greeter.restore("many"));
});
