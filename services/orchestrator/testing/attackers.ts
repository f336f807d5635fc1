/**
 * Agents that are up to no good. They are programs of the host, which can make any system call with any
 * number: more than code in a runtime can. `worker` is the neighbour that they would like to harm.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../../kernel/cap/rights.ts";
import type { Step } from "../../../sdk/agent/calls.ts";
import { SyscallError } from "../../../sdk/agent/error.ts";
import type { Sys } from "../../../sdk/agent/sys.ts";
import { PIPE_BYTES } from "../../init/streams.ts";
import type { Birth } from "../../messages/birth.ts";
import { encode } from "../../messages/json.ts";
import { Contacts } from "../../wasm/contacts.ts";
import { FilesClient } from "../../wasm/wasi_client.ts";
import { Refusal } from "../../wasm/wasi_memory.ts";
import type { AgentPrograms } from "./system.ts";

const text = (value: string) => new TextEncoder().encode(value);
const LINE = text(`${"x".repeat(99)}\n`);
const ROUND_NS = 1_000_000;
const PLACE = { root: "/projects/demo", path: "." };

function* born(sys: Sys): Step<Birth> {
  return JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes)) as Birth;
}

/** Does it again and again, whatever is said against it. */
function* forEver(work: () => Step<unknown>): Step<never> {
  while (true)
    try {
      yield* work();
    } catch (error) {
      if (!(error instanceof SyscallError) && !(error instanceof Refusal)) throw error;
    }
}

export const ATTACKERS: AgentPrograms = {
  /** Works for as many milliseconds as its argument says, and writes how many nanoseconds that took. */
  *worker(sys) {
    const { args, streams } = yield* born(sys);
    const begun = yield* sys.now();
    for (let n = 0; n < Number(args[1]); n++) {
      sys.work(ROUND_NS);
      yield* sys.now();
    }
    yield* sys.write(streams[1] ?? 0, text(`${(yield* sys.now()) - begun}\n`));
    yield* sys.exit(0);
  },
  *"floods-messages"(sys) {
    const { files } = yield* born(sys);
    const queue = yield* sys.endpoint("queue", 1);
    const back = yield* sys.derive(queue, { rights: RIGHT_SEND | RIGHT_DERIVE });
    yield* forEver(() => sys.send(files ?? 0, LINE, back));
  },
  *"floods-lines"(sys) {
    const { streams } = yield* born(sys);
    yield* forEver(() => sys.write(streams[1] ?? 0, LINE));
  },
  /** Each clone begins like its original: there are twice as many, and again, up to what they can pay. */
  *"floods-clones"(sys) {
    const birth = yield* born(sys);
    yield* forEver(function* () {
      const { capability } = yield* sys.clone(sys.self);
      yield* sys.send(capability, encode(birth));
    });
  },
  *"floods-files"(sys) {
    const birth = yield* born(sys);
    const client = new FilesClient(new Contacts(birth), birth);
    yield* forEver(() => client.ask(sys, { op: "stat", ...PLACE, follow: true }));
  },
  /** Asks for files as often as its argument says, and writes how often it was answered. */
  *reader(sys) {
    const birth = yield* born(sys);
    const { args, streams } = birth;
    const client = new FilesClient(new Contacts(birth), birth);
    let answered = 0;
    for (let n = 0; n < Number(args[1]); n++) {
      const { answer } = yield* client.ask(sys, { op: "stat", ...PLACE, follow: true });
      if (answer.stat) answered++;
    }
    yield* sys.write(streams[1] ?? 0, text(`${answered}\n`));
    yield* sys.exit(0);
  },
  /** Answers the question for its health with its argument. */
  *liar(sys) {
    const { args } = yield* born(sys);
    const { bytes, capability } = yield* sys.receive();
    const { ask } = JSON.parse(new TextDecoder().decode(bytes)) as { ask: number };
    yield* sys.send(capability, text((args[1] ?? "").replaceAll("ASK", String(ask))));
    while (true) yield* sys.receive();
  },
  /** Takes all places for those who would like to know what becomes of its input, which it never reads. */
  *"watches-input"(sys) {
    const { streams } = yield* born(sys);
    const queue = yield* sys.endpoint("queue", 64);
    for (let tag = 1; ; tag++)
      try {
        yield* sys.notify(streams[0] ?? 0, queue, "data", { tag, least: PIPE_BYTES });
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        yield* sys.write(streams[1] ?? 0, text(`${error.status}\n`));
        break;
      }
    while (true) yield* sys.receive();
  },
  *sleeper(sys) {
    while (true) yield* sys.receive();
  },
};
