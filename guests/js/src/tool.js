// What a tool is.
import { answered } from "./agent.js";
import { object, Refusal } from "./message.js";

/**
 * A tool. Each call meets a fresh instance, so it has no state.
 *
 * `name` is of lower-case letters, digits and `_`; `about` says what it does and when to use it, as a model should read it;
 * `schema` is the JSON Schema of its arguments.
 */
export class Tool {
  name = "";
  about = "";
  schema = { type: "object" };

  /** Does it, with arguments that follow the schema. A `Refusal` is what the model reads instead of an answer. */
  call(_arguments) {
    throw new Refusal("this tool does nothing");
  }
}

/** Puts a tool behind the interface `callable`. */
export function callableOf(tool) {
  return {
    describe: () => ({ name: tool.name, about: tool.about, schema: JSON.stringify(tool.schema) }),
    call: (text) => answered(() => tool.call(object(text, "the arguments are no object"))),
  };
}
