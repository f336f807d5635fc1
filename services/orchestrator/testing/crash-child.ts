/**
 * The process that is killed: `crash-child.ts DIRECTORY SEED WRITES`. It kills itself around one of the
 * writes of the state directory; what has been acknowledged stands on its standard output.
 */
import { writeSync } from "node:fs";
import { Store } from "../../host/store.ts";
import { drive } from "./driver.ts";
import { PROGRAMS } from "./programs.ts";
import { TestSystem } from "./system.ts";

const [state = "", seed = "0", writes = "1"] = process.argv.slice(2);
let left = Number(writes);
const { write } = Store.prototype;
Store.prototype.write = function (batch) {
  const isLast = --left === 0;
  const die = () => process.kill(process.pid, "SIGKILL");
  // Before it, while it is on its way, or when it has been acknowledged.
  if (isLast && Number(seed) % 3 === 0) die();
  const done = write.call(this, batch);
  if (isLast && Number(seed) % 3 === 1) setImmediate(die);
  return isLast ? done.then(die).then(() => {}) : done;
};

const system = await TestSystem.start(PROGRAMS, { state });
await drive(system, Number(seed), (note) => writeSync(1, `${JSON.stringify(note)}\n`));
