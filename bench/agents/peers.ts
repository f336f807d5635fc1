/** Other things that run code by itself: a thread of Node's, a process of Node's, a process of the least program. */
import { spawn } from "node:child_process";
import { Worker } from "node:worker_threads";

/** Milliseconds of real time. */
async function ms(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const HELLO = 'require("node:worker_threads").parentPort.postMessage(1)';

/** Until it has said that it is there; it is ended afterwards. */
async function worker(): Promise<number> {
  let it: Worker | null = null;
  const taken = await ms(async () => {
    it = new Worker(HELLO, { eval: true });
    await new Promise((resolve) => it?.once("message", resolve));
  });
  await (it as Worker | null)?.terminate();
  return taken;
}

const run = (command: string, ...args: readonly string[]) =>
  ms(
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn(command, args, { stdio: "ignore" });
        child
          .on("error", reject)
          .on("exit", (status) => (status === 0 ? resolve() : reject(new Error(command))));
      }),
  );

export const PEERS: Readonly<Record<string, () => Promise<number>>> = {
  "a worker thread's first message": worker,
  "node -e 0": () => run("node", "-e", "0"),
  "fork, exec and end of /bin/true": () => run("/bin/true"),
};
