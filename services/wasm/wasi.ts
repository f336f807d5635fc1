/**
 * WASI preview 1 as a personality, whole: arguments, environment, clocks, randomness, the three standard
 * streams, and files in the folders for which the agent has capabilities, each under its own name. What
 * an agent hasn't been given isn't there: EBADF, ENOTCAPABLE.
 *
 * Its state, the table of descriptors and whom the agent can reach, is data. A call changes it after its last
 * step, so between two operations it is what it was when the call began, from which the steps are gone through
 * again.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Mount } from "../messages/mounts.ts";
import { Contacts, type ContactsTold } from "./contacts.ts";
import type { Instance, Value } from "./instance.ts";
import type { Personality } from "./personality.ts";
import { FilesClient, type Root } from "./wasi_client.ts";
import * as wasi from "./wasi_constants.ts";
import { type Call, type Context, type QuickCall, quickOf, stepsOf } from "./wasi_context.ts";
import { FD_QUICK, FD_STEPS } from "./wasi_fds.ts";
import { bytesAt, put32, put64, Refusal, unsigned, viewAt } from "./wasi_memory.ts";
import { PATH_STEPS } from "./wasi_paths.ts";
import { pollOneoff } from "./wasi_poll.ts";
import { type Descriptor, Table } from "./wasi_table.ts";

/** The scopes of files among its capabilities make the folders that it sees. */
export interface WasiOptions extends ContactsTold {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Capabilities to pipes by descriptor: 0 is read from, the others are written to. */
  readonly streams?: readonly (number | null)[];
  /** Folders that it finds under other names than their own. */
  readonly mounts?: readonly Mount[] | undefined;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch?: number;
}

interface WasiState {
  readonly table: readonly (Descriptor | null)[];
  readonly contacts: unknown;
}

const RANDOM_BYTES_MAX = 256;
const NANOSECOND = 1n;
const NANOSECONDS = 1_000_000_000n;

export function wasiPersonality(
  options: WasiOptions = {},
  contacts = new Contacts(options),
): Personality {
  const { args = [], env = {}, streams = [], mounts = [], epoch = 0 } = options;
  const files = new FilesClient(contacts, options);
  const table = new Table([...standard(streams), ...files.roots.map((it) => preopen(it, mounts))]);
  const machineOn = BigInt(epoch) * NANOSECONDS;
  const context: Context = { table, files, contacts, streams, epoch: machineOn };
  const argv = args.map(encode);
  const environ = Object.entries(env).map(([name, value]) => encode(`${name}=${value}`));
  const texts = {
    ...{ args_sizes_get: sizesOf(argv), args_get: textsOf(argv) },
    ...{ environ_sizes_get: sizesOf(environ), environ_get: textsOf(environ) },
  };
  return {
    module: wasi.WASI_MODULE,
    quick: new Map(quickOf(context, { ...texts, ...FD_QUICK, clock_res_get: clockResolution })),
    steps: new Map([
      ...stepsOf(context, { ...FD_STEPS, ...PATH_STEPS, ...OTHERS }),
      ["proc_exit", (sys, _, [code]) => sys.exit(Number(code) >>> 0)],
    ]),
    state: {
      freeze: (): WasiState => ({ table: table.state, contacts: contacts.state.freeze() }),
      thaw: (state) => {
        const known = state as WasiState;
        table.state = known.table;
        contacts.state.thaw(known.contacts);
      },
    },
  };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

/** The standard streams; null for one that isn't there. */
function standard(streams: readonly (number | null)[]): (Descriptor | null)[] {
  return [0, 1, 2].map((stream) => {
    if (typeof streams[stream] !== "number") return null;
    const rights = wasi.STREAM_RIGHTS | wasi.rights(stream === 0 ? "FD_READ" : "FD_WRITE");
    return { kind: "stream", stream, rights, inheriting: 0n, flags: 0 };
  });
}

/** A folder that it has from its birth; which one that is on the host is of no matter. */
function preopen({ root, read, write: writes }: Root, mounts: readonly Mount[]): Descriptor {
  const mount = mounts.find(({ source }) => source === root);
  const write = writes && !mount?.readOnly;
  const none = 0n;
  const rights =
    (read ? wasi.FOLDER_READ_RIGHTS : wasi.rights("PATH_OPEN")) |
    (write ? wasi.FOLDER_WRITE_RIGHTS : none);
  const ofFiles =
    wasi.FILE_RIGHTS |
    (read ? wasi.READ_RIGHTS : none) |
    (write ? wasi.WRITE_RIGHTS | wasi.rights("FD_FILESTAT_SET_TIMES") : none);
  return {
    ...{ kind: "folder", root, path: ".", id: "", offset: 0, write: false },
    preopened: mount?.target ?? root,
    ...{ rights, inheriting: rights | ofFiles, flags: 0 },
  };
}

/** @throws Refusal INVAL: there is no such clock */
function requireClock(clock: number): void {
  if (clock !== wasi.CLOCK_REALTIME && clock !== wasi.CLOCK_MONOTONIC)
    throw new Refusal(wasi.ERRNO_INVAL);
}

const clock: Call = function* ({ epoch }, sys, instance, args) {
  const [id = 0, , at = 0] = unsigned(args);
  requireClock(id);
  bytesAt(instance, at, 8);
  const now = yield* sys.now();
  put64(instance, at, id === wasi.CLOCK_REALTIME ? epoch + now : now);
};

const clockResolution: QuickCall = (_, instance, args) => {
  const [id = 0, at = 0] = unsigned(args);
  requireClock(id);
  put64(instance, at, NANOSECOND);
};

const random: Call = function* (_, sys, instance, args) {
  const [at = 0, length = 0] = unsigned(args);
  const room = bytesAt(instance, at, length);
  for (let done = 0; done < length; done += RANDOM_BYTES_MAX)
    room.set(yield* sys.random(Math.min(RANDOM_BYTES_MAX, length - done)), done);
};

const schedYield: Call = function* (_, sys) {
  yield* sys.yield();
};

/** As by a shell: a program that a signal has ended has the exit code 128 and the signal's number. */
const raise: Call = function* (_, sys: Sys, _instance: Instance, [signal]: readonly Value[]) {
  const number = Number(signal) >>> 0;
  if (number > wasi.SIGNAL_MAX) throw new Refusal(wasi.ERRNO_INVAL);
  if (wasi.SIGNALS_STOPPING.includes(number)) throw new Refusal(wasi.ERRNO_NOTSUP);
  if (wasi.SIGNALS_IGNORED.includes(number)) return;
  yield* sys.exit(wasi.SIGNAL_EXIT + number) as Step<never>;
};

const OTHERS: Readonly<Record<string, Call>> = {
  clock_time_get: clock,
  poll_oneoff: pollOneoff,
  proc_raise: raise,
  random_get: random,
  sched_yield: schedYield,
};

/** args_sizes_get and environ_sizes_get: how many there are, and their bytes. */
const sizesOf =
  (texts: readonly Uint8Array[]): QuickCall =>
  (_, instance, args) => {
    const [count = 0, bytes = 0] = unsigned(args);
    put32(instance, count, texts.length);
    put32(
      instance,
      bytes,
      texts.reduce((sum, text) => sum + text.length, 0),
    );
  };

/** args_get and environ_get: their addresses, and the texts themselves. */
const textsOf =
  (texts: readonly Uint8Array[]): QuickCall =>
  (_, instance, args) => {
    const [list = 0, bytes = 0] = unsigned(args);
    const pointers = viewAt(instance, list, 4 * texts.length);
    let at = bytes;
    for (const [n, text] of texts.entries()) {
      pointers.setUint32(4 * n, at, true);
      bytesAt(instance, at, text.length).set(text);
      at += text.length;
    }
  };
