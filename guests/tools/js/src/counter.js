// Counts the words of a text. Plain JavaScript, tested without any host.
import { Refusal, Tool } from "bottega-guest";

export class WordCount extends Tool {
  name = "word_count";
  about = "Counts the words of a text.";
  schema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };

  call({ text }) {
    if (typeof text !== "string") throw new Refusal("`text` must be a text");
    return `${text.split(/\s+/).filter(Boolean).length} words`;
  }
}
