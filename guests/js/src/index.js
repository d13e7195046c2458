// Agents and tools for Bottega, in JavaScript, as WebAssembly.
//
// What it is: Message, the classes Agent and Tool to extend, and behaviourOf() and callableOf(), which put one of them behind
// the worlds of guest.wit. All of it is plain JavaScript, so that an agent's own tests need no host.
// What it is not: the capabilities. These are imports of your module (`import { send } from "bottega:guest/send@0.1.0"`)
// that stand in your wit/world.wit too; each must be granted in bottega.toml.
export { Agent, behaviourOf } from "./agent.js";
export { Message, Refusal } from "./message.js";
export { Tool, callableOf } from "./tool.js";
