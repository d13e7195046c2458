// Greets whoever asks, and counts how often. Plain JavaScript, tested without any host.

// What it asks for when a task is put out to tender: billionths of a dollar, milliseconds, thousandths of certainty.
const BID = { price: 2000000, takes_ms: 500, confidence: 990 };

// What whoever asks for something else is told.
const TAKES = "this agent takes requests, query-refs and calls for bids";

export class Greeter {
  greeted = 0;

  // The answer to a message; nothing where none is due.
  answer(message) {
    switch (message.performative) {
      case "cfp":
        return reply(message, "propose", JSON.stringify(BID));
      case "accept-proposal":
        return reply(message, "inform", this.greet(JSON.parse(message.content).task));
      case "request":
      case "query-ref":
        return reply(message, "inform", this.greet(message.content));
      case "cancel":
      case "propagate":
      case "propose":
      case "proxy":
      case "query-if":
      case "request-when":
      case "request-whenever":
      case "subscribe":
        return reply(message, "not-understood", TAKES);
      // What only tells something is not answered, or two agents would go on for ever.
      default:
        return null;
    }
  }

  greet(name) {
    if (typeof name !== "string") throw "the content must be a name";
    this.greeted += 1;
    return `Hello, ${name.replace(/^greet /, "")}! You are number ${this.greeted}.`;
  }

  save() {
    return String(this.greeted);
  }

  restore(text) {
    if (!/^\d+$/.test(text)) throw "the state is no number";
    this.greeted = Number(text);
  }
}

// An answer to whoever wrote, in its conversation.
function reply(message, performative, content) {
  return {
    performative,
    content,
    receiver: message.sender ? [message.sender] : [],
    "conversation-id": message["conversation-id"],
  };
}
