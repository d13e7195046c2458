// The agent as its host sees it: what is exported here is the world in wit/world.wit.
// What is thrown is an answer, and the agent goes on.
import { send } from "bottega:guest/send@0.1.0";
import { write } from "bottega:guest/log@0.1.0";
import { Greeter } from "./greeter.js";

const greeter = new Greeter();

export const behaviour = {
  init(_config) {},

  handleMessage(text) {
    const answer = greeter.answer(JSON.parse(text));
    if (!answer) return;
    write("info", `${answer.performative}, ${greeter.greeted} greeted`);
    send(JSON.stringify(answer));
  },

  saveState() {
    return Uint8Array.from(greeter.save(), (letter) => letter.charCodeAt(0));
  },

  restoreState(_version, state) {
    greeter.restore(String.fromCharCode(...state));
  },
};
