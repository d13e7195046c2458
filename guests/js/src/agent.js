// What an agent is.
import { Message, Refusal } from "./message.js";

/**
 * An agent. Its fields are all that it knows.
 *
 * A `Refusal` that it throws is an answer, and so is what its host refused and it does not catch; the agent goes on. Any other
 * error ends it, and its supervisor decides what follows.
 */
export class Agent {
  /** Begins, with the agent's own settings as JSON. */
  init(_config) {}

  /** Handles one message. They come one at a time. */
  handle(_message) {
    throw new Refusal("this agent takes no messages");
  }

  /** All that it knows, as text that a later version can read. Without it there is no live upgrade. */
  save() {
    throw new Refusal("this agent keeps its state");
  }

  /** Takes over what `version` of this agent saved. */
  restore(version, _state) {
    throw new Refusal(`the state of ${version} is not understood`);
  }
}

/** Does it. A refusal goes out as the text that the world's `Err` is. */
export function answered(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) throw error.message;
    throw refusedByHost(error) ?? error;
  }
}

/** What the host said where this is how a capability fails, a case of the variant `refusal`; nothing where it is not. */
function refusedByHost(error) {
  const { tag, val } = Object(Object(error).payload ?? error);
  return typeof tag === "string" && typeof val === "string" ? val : undefined;
}

/** Puts an agent behind the interface `behaviour`: `export const behaviour = behaviourOf(new Parrot())`. */
export function behaviourOf(agent) {
  return {
    init: (config) => answered(() => agent.init(config)),
    handleMessage: (text) => answered(() => agent.handle(Message.parse(text))),
    saveState: () => answered(() => bytes(agent.save())),
    restoreState: (version, state) => answered(() => agent.restore(version, text(state))),
  };
}

// UTF-8 by hand: not every engine for guests has TextEncoder.
function bytes(text) {
  const escaped = encodeURIComponent(text).replace(/%(..)/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  return Uint8Array.from(escaped, (letter) => letter.charCodeAt(0));
}

function text(bytes) {
  const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw new Refusal("the state is no text");
  }
}
