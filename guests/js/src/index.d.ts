/** An answer that says no, in words for whoever asked. The agent goes on; any other error ends it. */
export class Refusal extends Error {}

/** What the winner of a tender is told. */
export interface Award {
  /** What is to be done. */
  task: string;
  /** What it is paid, in billionths of a dollar. */
  pay: number;
  /** When its time is over, in milliseconds since the Unix epoch. */
  finish_by: number;
}

/** One FIPA-ACL message. */
export class Message {
  constructor(performative: string, content?: unknown, rest?: Record<string, unknown>);
  static parse(text: string): Message;
  performative: string;
  content: unknown;
  rest: Record<string, unknown>;
  readonly sender: unknown;
  /** The name of a durable message, the same each time that it comes. */
  readonly id: string | undefined;
  /** How often it was begun, this time included. */
  readonly attempt: number;
  reply(performative: string, content?: unknown): Message;
  awarded(): Award;
  toJSON(): Record<string, unknown>;
  toString(): string;
}

/** An agent. Its fields are all that it knows. */
export class Agent {
  init(config: string): void;
  handle(message: Message): void;
  save(): string;
  restore(version: string, state: string): void;
}

/** What the interface `behaviour` of the world is made of. */
export interface Behaviour {
  init(config: string): void;
  handleMessage(text: string): void;
  saveState(): Uint8Array;
  restoreState(version: string, state: Uint8Array): void;
}

/** Puts an agent behind the interface `behaviour`. */
export function behaviourOf(agent: Agent): Behaviour;

/** A tool. Each call meets a fresh instance, so it has no state. */
export class Tool {
  name: string;
  about: string;
  schema: Record<string, unknown>;
  call(arguments_: Record<string, unknown>): string;
}

/** What the interface `callable` of the world is made of. */
export interface Callable {
  describe(): { name: string; about: string; schema: string };
  call(text: string): string;
}

/** Puts a tool behind the interface `callable`. */
export function callableOf(tool: Tool): Callable;
