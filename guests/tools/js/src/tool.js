// The tool as its host sees it: what is exported here is the world in wit/world.wit.
import { callableOf } from "bottega-guest";
import { WordCount } from "./counter.js";

export const callable = callableOf(new WordCount());
