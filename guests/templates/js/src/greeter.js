// Greets whoever asks, and counts how often. Plain JavaScript, tested without any host.
import { Agent, Refusal } from "bottega-guest";

// What it asks for when a task is put out to tender: billionths of a dollar, milliseconds, thousandths of certainty.
const BID = { price: 2000000, takes_ms: 500, confidence: 990 };

// What whoever asks for something else is told.
const TAKES = "this agent takes requests, query-refs and calls for bids";

export class Greeter extends Agent {
  greeted = 0;

  // The answer to a message; nothing where none is due.
  answer(message) {
    switch (message.performative) {
      case "cfp":
        return message.reply("propose", JSON.stringify(BID));
      case "accept-proposal":
        return message.reply("inform", this.greet(message.awarded().task));
      case "request":
      case "query-ref":
        return message.reply("inform", this.greet(message.content));
      case "cancel":
      case "propagate":
      case "propose":
      case "proxy":
      case "query-if":
      case "request-when":
      case "request-whenever":
      case "subscribe":
        return message.reply("not-understood", TAKES);
      // What only tells something is not answered, or two agents would go on for ever.
      default:
        return null;
    }
  }

  greet(name) {
    if (typeof name !== "string") throw new Refusal("the content must be a name");
    this.greeted += 1;
    return `Hello, ${name.replace(/^greet /, "")}! You are number ${this.greeted}.`;
  }

  save() {
    return String(this.greeted);
  }

  restore(_version, state) {
    if (!/^\d+$/.test(state)) throw new Refusal("the state is no number");
    this.greeted = Number(state);
  }
}
