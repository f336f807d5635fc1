/**
 * Agents below an agent. Its pool pays for them, the kernel ends them with it, and they get no capability
 * that it doesn't have: so nobody else is asked for them.
 */
import * as statuses from "../../kernel/syscall/status.ts";
import type { Child } from "../../sdk/agent/births.ts";
import { SCRATCH_HEADER, type Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Birth } from "../messages/birth.ts";
import { encode } from "../messages/json.ts";
import { type Arguments, NOTHING } from "./aios_arguments.ts";
import * as aios from "./aios_calls.ts";

type Named = Birth["capabilities"][number];

/** Of spawn: how a new agent comes to be, once it is known what it is granted. */
type Make = (grants: { capability: number }[]) => Step<Child>;

/**
 * A copy of the agent as of this call, with the same streams and named capabilities, but for what is its alone. In the copy `child`
 * is all zero: it says which of both one is.
 */
export function* cloneSelf(sys: Sys, given: Arguments, told: Birth): Step<number> {
  given.bytes("child").fill(0);
  const make: Make = (grants) => sys.clone(sys.self, { grants });
  const capabilities = told.capabilities.map((it) => (it.alone ? { ...it, handle: NOTHING } : it));
  return yield* bear(sys, given, { ...told, capabilities }, make);
}

/**
 * An agent of an image, with the caller's streams, and of its capabilities those that the list names.
 * Arguments are texts that end with NUL. With a quota it has a pool of its own, cut out of the caller's.
 */
export function* spawnChild(sys: Sys, given: Arguments, told: Birth): Step<number> {
  const capabilities = namedIn(given);
  if (typeof capabilities === "number") return capabilities;
  const image = given.handle("image");
  const texts = given.text("arguments");
  if (texts !== "" && !texts.endsWith("\0")) return statuses.STATUS_BAD_ARGUMENT;
  const args = texts === "" ? [] : texts.slice(0, -1).split("\0");
  const make: Make = (grants) => sys.spawn({ image, quota: given.long("quota"), grants });
  return yield* bear(sys, given, { ...told, args, capabilities }, make);
}

/** Makes the agent and tells it what it is. A stream whose other end is over is over there as well. */
function* bear(sys: Sys, given: Arguments, told: Birth, make: Make): Step<number> {
  try {
    return yield* bearWith(sys, given, told, make);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const streams: Birth["streams"] = [];
    for (const handle of told.streams)
      streams.push(handle === null || (yield* isLiving(sys, handle)) ? handle : NOTHING);
    if (streams.every((handle, n) => handle === told.streams[n])) throw error;
    return yield* bearWith(sys, given, { ...told, streams }, make);
  }
}

/** Whether the capability names something still. */
export function* isLiving(sys: Sys, capability: number): Step<boolean> {
  const room = (yield* sys.scratch()) + SCRATCH_HEADER;
  return (yield* sys.attempt("CAP_INSPECT", capability, room)).error === statuses.STATUS_OK;
}

const isWorth = (handle: number | null): handle is number => handle !== null && handle !== NOTHING;

/** Half of that is none. */
function* bearWith(sys: Sys, given: Arguments, told: Birth, make: Make): Step<number> {
  const streams = told.streams.filter(isWorth);
  const files = told.files === null ? [] : [told.files];
  const named = told.capabilities.map(({ handle }) => handle).filter(isWorth);
  const handles = [...streams, ...files, ...named];
  const child = yield* make(handles.map((capability) => ({ capability })));
  const own = [...child.grants];
  const birth: Birth = {
    ...told,
    streams: told.streams.map((handle) => (isWorth(handle) ? (own.shift() ?? null) : handle)),
    files: files.length > 0 ? (own.shift() ?? null) : null,
    // Of two who take from a queue, one hears nothing.
    news: null,
    capabilities: told.capabilities.map((it) =>
      isWorth(it.handle) ? { ...it, handle: own.shift() ?? 0 } : it,
    ),
  };
  try {
    yield* sys.send(child.capability, encode(birth));
  } catch (error) {
    yield* sys.kill(child.capability);
    yield* sys.drop(child.capability);
    throw error;
  }
  given
    .structure("child")
    .setU64(aios.CHILD_ID, child.id)
    .setU64(aios.CHILD_CAPABILITY, child.capability);
  return statuses.STATUS_OK;
}

/** Capabilities that go along, with the names that they have there; or the status with which that is refused. */
function namedIn(given: Arguments): Named[] | number {
  const list = given.structure("grants");
  const records = Array.from({ length: list.bytes.length / aios.GRANT_BYTES }, (_, n) => {
    const record = n * aios.GRANT_BYTES;
    return {
      handle: given.handleOf(list.u64(record + aios.GRANT_CAPABILITY)),
      at: list.u32(record + aios.GRANT_NAME),
      bytes: list.u32(record + aios.GRANT_NAME_BYTES),
    };
  });
  const texts = given.texts(records);
  if (typeof texts === "number") return texts;
  return records.map(({ handle }, n) => ({ text: texts[n] ?? "", handle }));
}
