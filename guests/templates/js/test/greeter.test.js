import assert from "node:assert/strict";
import test from "node:test";
import { Message, Refusal } from "bottega-guest";
import { Greeter } from "../src/greeter.js";

test("everybody is greeted with their number", () => {
  const greeter = new Greeter();
  const asked = (content) => greeter.answer(new Message("request", content, { sender: "smith" }));
  assert.equal(asked("Ada").content, "Hello, Ada! You are number 1.");
  assert.deepEqual(asked("Bob").rest.receiver, ["smith"]);
  assert.throws(() => asked(7), Refusal);
});

test("a task is bid for, and done once it is awarded", () => {
  const greeter = new Greeter();
  const bid = greeter.answer(new Message("cfp", "{}", { sender: "market", "conversation-id": "cnv_1" }));
  assert.equal(bid.performative, "propose");
  assert.equal(bid.rest["conversation-id"], "cnv_1");
  assert.ok(JSON.parse(bid.content).price > 0);
  const done = greeter.answer(new Message("accept-proposal", JSON.stringify({ task: "greet Eve" })));
  assert.equal(done.content, "Hello, Eve! You are number 1.");
  assert.equal(greeter.answer(new Message("subscribe", "news")).performative, "not-understood");
  for (const performative of ["reject-proposal", "inform", "not-understood"])
    assert.equal(greeter.answer(new Message(performative, "better bids")), null);
});

test("what was saved is taken over", () => {
  const greeter = new Greeter();
  greeter.restore("0.1.0", "41");
  assert.equal(greeter.save(), "41");
  assert.match(greeter.answer(new Message("request", "Ada")).content, /number 42/);
  assert.throws(() => greeter.restore("0.1.0", "many"), Refusal);
});
