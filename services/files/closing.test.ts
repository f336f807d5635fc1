/** What is open on the host is closed when nobody may use it any more. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Birth } from "../messages/birth.ts";
import { Contacts } from "../wasm/contacts.ts";
import { FilesClient } from "../wasm/wasi_client.ts";
import { runSteps } from "./testing.ts";

const ROOT = "/projects/demo";
const capabilities = [`FS_READ:${ROOT}`, `FS_WRITE:${ROOT}`];
const MS = 1_000_000;

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "aios-closing-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Files of the directory that this process has open (proc(5)). */
function opened(): string[] {
  const places = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The folder that is being read.
      return [];
    }
  });
  return places.filter((place) => place.startsWith(directory));
}

function* openFile(sys: Sys, birth: Birth): Step<void> {
  const client = new FilesClient(new Contacts(birth), birth);
  const how = { follow: true, create: true, exclusive: false, truncate: false, folder: false };
  const at = { root: ROOT, path: "note" };
  yield* client.ask(sys, { op: "open", ...at, ...how, read: true, write: true });
}

test.runIf(process.platform === "linux")(
  "files of an agent that may no more are closed after a while",
  async () => {
    const seen: unknown[] = [];
    await runSteps(
      {
        ...{ directory, capabilities, again: BigInt(MS) },
        *meanwhile(sys, { child, scopes, written }) {
          while (!(yield* written()).includes("open")) yield* sys.sleep(MS);
          seen.push(opened().map((place) => place.slice(directory.length)));
          for (const scope of scopes) yield* sys.drop(scope);
          while (opened().length > 0) yield* sys.sleep(MS);
          yield* sys.kill(child.capability);
        },
      },
      function* (sys, birth) {
        yield* openFile(sys, birth);
        yield* sys.write(birth.streams[1] ?? 0, new TextEncoder().encode("open"));
        yield* sys.receive();
      },
    );
    expect(seen).toEqual([["/projects/demo/note"]]);
  },
);

test.runIf(process.platform === "linux")(
  "and of all agents when the machine has stopped",
  async () => {
    await runSteps({ directory, capabilities }, openFile);
    expect(opened()).toEqual([]);
  },
);
