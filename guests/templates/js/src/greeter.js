// Greets whoever asks, and counts how often. Plain JavaScript, tested without any host.
export class Greeter {
  greeted = 0;

  // The answer to a message.
  answer(message) {
    if (typeof message.content !== "string") throw "the content must be a name";
    this.greeted += 1;
    return {
      performative: "inform",
      content: `Hello, ${message.content}! You are number ${this.greeted}.`,
      receiver: message.sender ? [message.sender] : [],
    };
  }

  save() {
    return String(this.greeted);
  }

  restore(text) {
    if (!/^\d+$/.test(text)) throw "the state is no number";
    this.greeted = Number(text);
  }
}
