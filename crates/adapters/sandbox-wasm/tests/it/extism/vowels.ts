// A plug-in by Extism's own kit for AssemblyScript, for the test that runs it. `vowels.wasm` is what this makes of it:
//
//   npm install assemblyscript@0.28.20 @extism/as-pdk@1.0.0
//   npx asc vowels.ts --outFile vowels.wasm --use abort=vowels/stop --runtime stub -Osize

import { Config, Host, LogLevel, Var } from "@extism/as-pdk";

export function stop(_message: string | null, _file: string | null, _line: u32, _column: u32): void {
  unreachable();
}

// Counts the vowels of its input, and those of all inputs so far.
export function count_vowels(): i32 {
  const text = Host.inputString();
  const named = Config.get("vowels");
  const vowels = named === null ? "aeiou" : named;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if (vowels.includes(text.charAt(at))) count++;
  }
  const kept = Var.getString("total");
  const total = count + (kept === null ? 0 : i32.parse(kept));
  Var.set("total", Uint8Array.wrap(String.UTF8.encode(total.toString())));
  Host.log(LogLevel.Info, count.toString() + " vowels");
  Host.outputString('{"count":' + count.toString() + ',"total":' + total.toString() + "}");
  return 0;
}
