/** npm run fuzz */
import { compile } from "../../../sdk/build/compile.ts";
import { MODULES } from "../../../sdk/build/modules.ts";
import { harness } from "../harness.ts";
import type { Build } from "../recording.ts";
import { command } from "./command.ts";
import { machine } from "./machine.ts";

/** What the two subjects run. */
const NEEDED = ["sim", "kernel", "kernel-testing"];
/** Of refused calls, one in so many is held against memory as it was before. */
const REFUSALS = 4;
/** Clears the line that the cursor is on. */
const CLEAR = "\r\u001b[K";

async function subjects(build: Build) {
  const debug = build === "debug";
  // Where modules are loaded from (sim/host/node/modules.ts).
  if (debug) process.env.AIOS_BUILD = build;
  else delete process.env.AIOS_BUILD;
  for (const module of MODULES) if (NEEDED.includes(module.name)) await compile(module, debug);
  return { harness: harness({ refusals: REFUSALS }), machine: machine() };
}

process.exitCode = await command(process.argv.slice(2), {
  subjects,
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`${CLEAR}${line}`);
  },
});
