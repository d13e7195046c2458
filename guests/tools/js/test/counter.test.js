import assert from "node:assert/strict";
import test from "node:test";
import { Refusal } from "bottega-guest";
import { WordCount } from "../src/counter.js";

test("words are counted", () => {
  const tool = new WordCount();
  for (const [text, count] of [["a b c", 3], [" one\n\ttwo ", 2], ["", 0]]) assert.equal(tool.call({ text }), `${count} words`);
  assert.throws(() => tool.call({ text: 7 }), Refusal);
});
