import assert from "node:assert/strict";
import test from "node:test";
import { Agent, behaviourOf, callableOf, Message, Refusal, Tool } from "bottega-guest";

test("an answer goes back to its sender in its conversation", () => {
  const text = '{"performative":"request","content":"hi","sender":"smith","reply-with":"1","language":"en"}';
  const asked = Message.parse(text);
  assert.equal(String(asked), text);
  const answer = asked.reply("inform", "hello");
  assert.equal(String(answer), '{"performative":"inform","content":"hello","receiver":["smith"],"in-reply-to":"1"}');
  assert.equal(String(new Message("agree")), '{"performative":"agree"}');
});

test("a durable message has a name and counts its attempts", () => {
  const told = Message.parse('{"performative":"inform","X-message-id":"msg_1","X-attempt":"2"}');
  assert.deepEqual([told.id, told.attempt], ["msg_1", 2]);
  const plain = Message.parse('{"performative":"inform"}');
  assert.deepEqual([plain.id, plain.attempt, plain.sender], [undefined, 1, undefined]);
});

test("an award is read, and nonsense is refused", () => {
  const award = new Message("accept-proposal", '{"task":"greet Eve","pay":1,"finish_by":2}');
  assert.deepEqual(award.awarded(), { task: "greet Eve", pay: 1, finish_by: 2 });
  for (const content of ["hm", "7", "{}", null]) {
    assert.throws(() => new Message("accept-proposal", content).awarded(), Refusal);
  }
  for (const text of ["hm", "7", "{}", "[]", "null"]) assert.throws(() => Message.parse(text), Refusal);
});

test("an agent stands behind its world: refusals are texts, errors stay errors, states are bytes", () => {
  class Keeper extends Agent {
    known = "";
    handle({ content }) {
      if (content === "!") throw new Refusal("not that");
      this.known = content.toUpperCase();
    }
    save() {
      return this.known;
    }
    restore(_version, state) {
      this.known = state;
    }
  }
  const world = behaviourOf(new Keeper());
  world.init("{}");
  const tell = (content) => world.handleMessage(String(new Message("inform", content)));
  tell("größe €");
  const other = behaviourOf(new Keeper());
  other.restoreState("0.1.0", world.saveState());
  assert.deepEqual(other.saveState(), new TextEncoder().encode("GRÖSSE €"));
  assert.throws(() => tell("!"), (thrown) => thrown === "not that");
  assert.throws(() => tell(7), TypeError);
  // What the host refuses is thrown by a capability, by itself or as the payload of an error.
  const refused = { tag: "unavailable", val: "nobody of that name" };
  for (const thrown of [refused, Object.assign(new Error(), { payload: refused })]) {
    class Sender extends Agent {
      handle() {
        throw thrown;
      }
    }
    const tellSender = () => behaviourOf(new Sender()).handleMessage('{"performative":"inform"}');
    assert.throws(tellSender, (why) => why === "nobody of that name");
  }
  assert.throws(() => other.restoreState("0.1.0", Uint8Array.of(0xff)), (thrown) => thrown === "the state is no text");
  assert.throws(() => behaviourOf(new Agent()).saveState(), (thrown) => thrown === "this agent keeps its state");
});

test("a tool says what it is and answers calls", () => {
  class Count extends Tool {
    name = "count";
    about = "Counts letters.";
    call({ text }) {
      return String(text.length);
    }
  }
  const world = callableOf(new Count());
  assert.deepEqual(world.describe(), { name: "count", about: "Counts letters.", schema: '{"type":"object"}' });
  assert.equal(world.call('{"text":"four"}'), "4");
  assert.throws(() => world.call("[]"), (thrown) => thrown === "the arguments are no object");
});
