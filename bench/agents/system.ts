/** Agents as clients of `aios up` start them: through the API, all services, and to the disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemblyScriptBindings } from "../../sdk/build/aios-bindings.ts";
import { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../../services/wasm/testing/compile.ts";
import { interleave, type Progress, pairedRow, plainRow, type Results } from "../measure.ts";
import { cpuOf, type Started, stop, up } from "../up/process.ts";
import { PEERS } from "./peers.ts";

const RUNS = 9;
const WARM_RUNS = 3;
const BATCH = 64;
const AIM = "2 ms, better 0.5";
const LIMITS = { memory: 256 * 1024 };

const WAITS = `${assemblyScriptBindings().replaceAll("export ", "")}
const room = memory.data(256);
export function _start(): void {
  aios_receive(0, AIOS_NEVER, room, 8, room + 64);
}
`;

/** The image of an agent that waits for a message. */
export async function waitingImage(): Promise<Uint8Array> {
  const wasm = await compileSource(WAITS, "--initialMemory", "1");
  return (await build(agentFile({ name: "waits" }), { "agent.wasm": wasm })).archive;
}

/** Milliseconds each, of real time and of the system's CPU time. */
interface Each {
  readonly wall: number;
  readonly cpu: number;
}

/** A batch of agents, so many at once; afterwards they are gone again. */
async function batch(
  system: Started,
  client: Client,
  image: string,
  atOnce: number,
): Promise<Each> {
  const names: string[] = [];
  const cpu = cpuOf(system.child);
  const start = performance.now();
  const one = async () => {
    while (names.length < BATCH) {
      const name = `a${names.length}`;
      names.push(name);
      await client.call("agent.run", { image, name, limits: LIMITS });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  const each = {
    wall: (performance.now() - start) / BATCH,
    cpu: (cpuOf(system.child) - cpu) / BATCH,
  };
  await Promise.all(names.map((name) => client.call("agent.remove", { name, force: true })));
  return each;
}

async function measure({ rows }: Results, system: Started, client: Client): Promise<void> {
  const { digest } = await client.putImage(await waitingImage());
  const group = "agents";
  for (const atOnce of [1, 64]) {
    const samples: Each[] = [];
    for (let run = -WARM_RUNS; run < RUNS; run++) {
      const each = await batch(system, client, digest, atOnce);
      if (run >= 0) samples.push(each);
    }
    const name = `agent.run of a cached image, ${atOnce} at once`;
    const row = { group, unit: "ms" as const, aim: AIM };
    rows.push(
      plainRow(
        { ...row, name },
        samples.map(({ wall }) => wall),
      ),
    );
    const spent = samples.map(({ cpu }) => cpu);
    rows.push(plainRow({ ...row, name: `${name}, CPU time of the system` }, spent));
    if (atOnce > 1) continue;
    for (const [peerName, peer] of Object.entries(PEERS)) {
      const ours = async () => (await batch(system, client, digest, 1)).wall;
      rows.push(
        pairedRow({ group, name, unit: "ms", peerName }, await interleave(RUNS, ours, peer)),
      );
    }
  }
}

export async function measureSystem(results: Results, progress: Progress): Promise<void> {
  progress("agents by the API");
  const state = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const system = await up(state);
  const client = new Client({ socket: join(state, "aios.sock") });
  try {
    await measure(results, system, client);
  } finally {
    client.close();
    await stop(system);
    rmSync(state, { recursive: true });
  }
}
