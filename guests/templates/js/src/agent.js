// The agent as its host sees it: what is exported here is the world in wit/world.wit.
import { behaviourOf } from "bottega-guest";
import { send } from "bottega:guest/send@0.1.0";
import { write } from "bottega:guest/log@0.1.0";
import { Greeter } from "./greeter.js";

class Agent extends Greeter {
  handle(message) {
    const answer = this.answer(message);
    if (!answer) return;
    write("info", `${answer.performative}, ${this.greeted} greeted`);
    send(String(answer));
  }
}

export const behaviour = behaviourOf(new Agent());
