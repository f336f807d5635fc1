/** Kernel and specification side by side: one call for both, and all that can be seen compared. */
import { isDeepStrictEqual } from "node:util";
import * as Views from "../host/views.generated.ts";
import { viewInRam } from "../host/views.ts";
import type { Result } from "../testing/world-host.ts";
import { type Asking, needsDesk, prepare } from "./asking.ts";
import { hasDesk } from "./desk.ts";
import { settle } from "./ends.ts";
import { seenInKernel, seenInSpecification } from "./observe.ts";
import type { Range, Snapshots } from "./snapshots.ts";
import { act, type Call, type Settle, type Tick } from "./step.ts";
import type { Subject } from "./subject.ts";
import { tick } from "./waiting.ts";
import { type Answer, get, type Name, type World } from "./world.ts";

/** A call and whose it is; or time that passes, or the kernel's own work. */
export interface Turn {
  readonly agent: Name;
  readonly call: Call | Tick | Settle;
}

/** Kernel and specification are not alike. */
export class Difference extends Error {
  override readonly name = "Difference";
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (part === Number.POSITIVE_INFINITY ? "never" : part));

/** Answers that are no refusals: the call has looked, and told what it has seen. */
const LOOKED = new Set(["OK", "EMPTY", "TIMED_OUT"]);

/**
 * Takes a turn in both. `snapshots` makes sure that a refused call has changed nothing in the
 * kernel's memory.
 * @throws Difference
 */
export function turn(world: World, subject: Subject, { agent, call }: Turn, snapshots?: Snapshots): Answer {
  if (call.call === "TICK") {
    tick(world, call.to);
    subject.tick(call.to);
    compareAll(world, subject, "after");
    return { status: "OK" };
  }
  if (call.call === "SETTLE") {
    settle(world);
    subject.settle();
    compareAll(world, subject, "after");
    return { status: "OK" };
  }
  if (needsDesk(call) && !hasDesk(get(world.agents, agent))) throw new Error(`${call.call} needs a desk`);
  const { answer, before } = askBoth(world, subject, agent, call, snapshots);
  if (before && snapshots && !LOOKED.has(answer.status) && !isTakenBack(call, answer)) {
    subject.forgetSearches();
    const changed = snapshots.changes(before, exempt(subject));
    if (changed.length > 0) throw new Difference(`${answer.status}, and memory changed at ${changed.map(hex)}`);
    return answer;
  }
  compareAll(world, subject, answer.status);
  return answer;
}

/** One call for both; `before` is the kernel's memory when the arguments were in place. */
function askBoth(
  world: World,
  subject: Subject,
  agent: Name,
  call: Call,
  snapshots: Snapshots | undefined,
): { answer: Answer; before: Uint8Array | undefined } {
  const deed = call.call === "STORE" || call.call === "FAULT" ? call : null;
  const asked = deed ? null : prepare(subject, agent, call as Asking);
  subject.forgetSearches();
  const before = snapshots?.save();
  const done = deed ? subject.do(agent, deed) : null;
  const result = asked ? subject.ask(agent, asked) : null;
  const requester = call.call === "PQC_COMPLETE" ? world.operations.get(call.operation)?.requester : undefined;
  const expected = act(world, agent, call);
  const answer = done ?? subject.answer(agent, call as Asking, result as Result, expected);
  if (!isDeepStrictEqual(answer, expected))
    throw new Difference(`the kernel answers ${show(answer)}, the specification ${show(expected)}`);
  if (call.call === "PQC_COMPLETE" && requester !== undefined && answer.status === "OK")
    if (hasDesk(get(world.agents, requester)) && !subject.delivered(requester, call.length, call.code))
      throw new Difference("the result is not where its asker wanted it");
  return { answer, before };
}

/**
 * A call that had begun when it found out that it couldn't be paid: free slots and frames may lie in
 * another order afterwards, but nothing that can be seen is different.
 */
function isTakenBack({ call }: Call, { status }: Answer): boolean {
  const made = call === "AGENT_CLONE" || call === "AGENT_SPLIT" || call === "AGENT_UPGRADE" || call === "REGION_SHARE";
  return made && status === "QUOTA";
}

const hex = (address: number): string => address.toString(16);

/** What a refused call may change: the audit record, and where the kernel keeps the call meanwhile. */
function exempt({ ipc }: Subject): Range[] {
  const { data, kernel } = ipc.world;
  const ring = viewInRam(Views.Audit, data, kernel.root.audit);
  const ipcState = viewInRam(Views.IpcState, data, kernel.root.ipc);
  return [
    { address: kernel.root.audit, bytes: Views.Audit.size },
    { address: ring?.records ?? 0, bytes: (ring?.capacity ?? 0) * Views.AuditRecord.size },
    { address: kernel.root.authority + 16, bytes: 256 },
    { address: kernel.cpus[0]?.scratch ?? 0, bytes: 1024 },
    { address: ipcState?.list ?? 0, bytes: 16 * 8 },
    { address: ipcState?.targets ?? 0, bytes: 16 * 4 },
    { address: ipc.exports.worldCallAddress(0), bytes: Views.Call.size },
  ];
}

function compareAll(world: World, subject: Subject, after: string): void {
  subject.discover(world);
  const expected = seenInSpecification(world);
  const seen = seenInKernel(world, subject);
  for (const [what, value] of Object.entries(expected))
    if (!isDeepStrictEqual(seen[what], value))
      throw new Difference(`${after}: ${what} is ${show(seen[what])} in the kernel, ${show(value)} in the specification`);
  if (subject.broken !== 0) throw new Difference(`${after}: invariant ${subject.broken} does not hold`);
}
