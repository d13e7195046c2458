import assert from "node:assert/strict";
import test from "node:test";
import { Greeter } from "../src/greeter.js";

test("everybody is greeted with their number", () => {
  const greeter = new Greeter();
  assert.equal(greeter.answer({ content: "Ada", sender: "smith" }).content, "Hello, Ada! You are number 1.");
  assert.deepEqual(greeter.answer({ content: "Bob", sender: "smith" }).receiver, ["smith"]);
  assert.throws(() => greeter.answer({ content: 7 }));
});

test("what was saved is taken over", () => {
  const greeter = new Greeter();
  greeter.restore("41");
  assert.equal(greeter.save(), "41");
  assert.match(greeter.answer({ content: "Ada" }).content, /number 42/);
  assert.throws(() => greeter.restore("many"));
});
