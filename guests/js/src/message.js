// Messages between agents.

/** An answer that says no, in words for whoever asked. The agent goes on; any other error ends it. */
export class Refusal extends Error {}

// What an answer takes over from the message that it answers: from where, to where.
const KEPT = [
  ["sender", "receiver"],
  ["conversation-id", "conversation-id"],
  ["protocol", "protocol"],
  ["reply-with", "in-reply-to"],
];

/** One FIPA-ACL message. What this class has no name for is kept in `rest`, under its name and as it came. */
export class Message {
  /**
   * @param {string} performative What it does: `request`, `inform`, `refuse`, …
   * @param {unknown} content What it is about.
   * @param {Record<string, unknown>} rest Sender, receivers, conversation, …
   */
  constructor(performative, content = null, rest = {}) {
    this.performative = performative;
    this.content = content;
    this.rest = rest;
  }

  /** Reads its JSON. Throws a `Refusal` where it is none. */
  static parse(text) {
    const { performative, content = null, ...rest } = object(text, "this is no message");
    if (typeof performative !== "string") throw new Refusal("this is no message: it has no performative");
    return new Message(performative, content, rest);
  }

  /** What stands in its JSON, as `JSON.stringify` asks for it. */
  toJSON() {
    const content = this.content === null ? {} : { content: this.content };
    return { performative: this.performative, ...content, ...this.rest };
  }

  /** Its JSON, as the capability `send` takes it. */
  toString() {
    return JSON.stringify(this);
  }

  /** Who said it; `undefined` where nobody is named. */
  get sender() {
    return this.rest.sender;
  }

  /**
   * The name of a durable message. One that comes again, after a crash, has the same: whoever must not do its work twice
   * keeps the names of what it did. `undefined` for a transient message, which comes once at most.
   */
  get id() {
    return this.rest["X-message-id"];
  }

  /** How often it was begun, this time included. */
  get attempt() {
    return Number(this.rest["X-attempt"] ?? 1);
  }

  /** An answer to this one: to its sender, in its conversation. */
  reply(performative, content = null) {
    const rest = {};
    for (const [from, to] of KEPT) {
      const value = this.rest[from];
      if (value !== undefined) rest[to] = to === "receiver" ? [value] : value;
    }
    return new Message(performative, content, rest);
  }

  /**
   * What was awarded, when this accepts a proposal of ours: the task, what it is paid in billionths of a dollar (`pay`), and
   * when its time is over in milliseconds since the Unix epoch (`finish_by`). Throws a `Refusal` where it is no award.
   */
  awarded() {
    const { task, pay = 0, finish_by = 0 } = object(this.content, "the content is no award");
    if (typeof task !== "string") throw new Refusal("the content is no award: it has no task");
    return { task, pay, finish_by };
  }
}

/** The object that a JSON text is. */
export function object(text, otherwise) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal(`${otherwise}: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Refusal(otherwise);
  return value;
}
