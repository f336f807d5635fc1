/**
 * Every system call against every kind of capability, every right and every way in which a
 * capability can be worth nothing. What each call needs is written down here a second time, from the
 * documentation and not from the code; a call that is refused must leave memory as it was, but for
 * the audit ring.
 */

import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../../sim/host/core.ts";
import * as Views from "../host/views.generated.ts";
import * as kinds from "../object/kinds.ts";
import * as numbers from "../syscall/numbers.ts";
import { Authority } from "../testing/cap-host.ts";
import type { CallName, StatusName } from "../testing/world-host.ts";
import * as rights from "./rights.ts";
import { RIGHTS_ALL } from "./rights.ts";

const NAMABLE = [
  "AGENT",
  "POOL",
  "ENDPOINT",
  "REGION",
  "TIMER",
  "FRAME",
  "IMAGE",
  "OPERATION",
  "SCOPE",
  "KERNEL",
] as const;
type Kind = (typeof NAMABLE)[number];
type Stripped<K> = K extends `RIGHT_${infer Rest}` ? Rest : never;
type Right = Stripped<keyof typeof rights>;

interface Need {
  readonly kinds: readonly Kind[];
  readonly right: Right | null;
  /** The capability must be the caller's to itself. */
  readonly self?: true;
}

const agent = (right: Right): Need => ({ kinds: ["AGENT"], right });
const self = (right: Right): Need => ({ kinds: ["AGENT"], right, self: true });
const pool = (right: Right): Need => ({ kinds: ["POOL"], right });
const endpoint = (right: Right): Need => ({ kinds: ["ENDPOINT"], right });
const kernel = (right: Right): Need => ({ kinds: ["KERNEL"], right });
const any = (right: Right | null): Need => ({ kinds: NAMABLE, right });

/** What each call needs of the capability that it names (docs/syscalls.md). */
const NEEDS: Readonly<Record<CallName, Need>> = {
  AGENT_SPAWN: pool("SPAWN"),
  AGENT_CLONE: agent("CLONE"),
  AGENT_MERGE: agent("MERGE"),
  AGENT_SPLIT: agent("SPLIT"),
  AGENT_UPGRADE: agent("UPGRADE"),
  AGENT_SPECIALIZE: agent("SPECIALIZE"),
  AGENT_SUSPEND: agent("SUSPEND"),
  AGENT_RESUME: agent("RESUME"),
  AGENT_KILL: agent("KILL"),
  AGENT_INFO: agent("INFO"),
  AGENT_SCHEDULE: agent("SCHEDULE"),
  SCHED_CONFIGURE: kernel("SCHEDULE"),
  IPC_SEND: { kinds: ["AGENT", "ENDPOINT"], right: "SEND" },
  IPC_RECV: { kinds: ["AGENT", "ENDPOINT"], right: "RECEIVE" },
  ENDPOINT_CREATE: pool("CREATE"),
  ENDPOINT_CLOSE: { kinds: ["ENDPOINT", "TIMER"], right: "CLOSE" },
  PIPE_READ: endpoint("RECEIVE"),
  PIPE_WRITE: endpoint("SEND"),
  EVENT_SIGNAL: endpoint("SEND"),
  ENDPOINT_NOTIFY: endpoint("RECEIVE"),
  KERNEL_INFO: kernel("INFO"),
  LINK_OPEN: kernel("CREATE"),
  LINK_SEND: endpoint("WRITE"),
  REGION_SHARE: pool("SHARE"),
  REGION_MAP: { kinds: ["REGION"], right: "MAP" },
  REGION_UNMAP: { kinds: ["REGION"], right: "MAP" },
  FRAME_ALLOC: pool("ALLOCATE"),
  FRAME_FREE: { kinds: ["FRAME"], right: "CLOSE" },
  PAGE_MAP: { kinds: ["FRAME"], right: "MAP" },
  PAGE_UNMAP: self("MAP"),
  PAGE_PROTECT: self("MAP"),
  AGENT_POOL_ALLOC: pool("ALLOCATE"),
  AGENT_MEM_ALLOC: pool("ALLOCATE"),
  AGENT_MEM_FREE: pool("ALLOCATE"),
  PREDICTION_WRITE: kernel("PREDICT"),
  CAP_DERIVE: any("DERIVE"),
  CAP_REVOKE: any("REVOKE"),
  CAP_INSPECT: any(null),
  TIMER_SET: self("WAIT"),
  WAIT: self("WAIT"),
  YIELD: self("WAIT"),
  DONATE_TO: agent("DONATE"),
  PQC_OPERATION: self("CRYPTO"),
  PQC_TAKE: kernel("CRYPTO"),
  PQC_COMPLETE: kernel("CRYPTO"),
  RANDOM_GET: self("RANDOM"),
  AUDIT_APPEND: kernel("AUDIT"),
  AUDIT_DRAIN: kernel("DRAIN"),
  IMAGE_OPEN: kernel("EXECUTE"),
  IMAGE_CREATE: kernel("CREATE"),
  IMAGE_APPEND: { kinds: ["IMAGE"], right: "WRITE" },
  IMAGE_SEAL: { kinds: ["IMAGE"], right: "WRITE" },
  CONSOLE_WRITE: kernel("WRITE"),
};

/** What says that a capability is not good for a call. */
const DENIALS: readonly StatusName[] = [
  "UNKNOWN_SYSCALL",
  "CAPABILITY_FORGED",
  "CAPABILITY_STALE",
  "CAPABILITY_FOREIGN",
  "CAPABILITY_EXPIRED",
  "CAPABILITY_REVOKED",
  "CAPABILITY_KIND",
  "RIGHTS_MISSING",
  "OBJECT_GONE",
];
const RIGHTS = Object.keys(rights)
  .filter((name) => name.startsWith("RIGHT_"))
  .map((name) => name.slice(6) as Right);
const GENERATION = 2 ** 26;
const NOW = 1000n;

const bitOf = (right: Right) => rights[`RIGHT_${right}`];
const kindOf = (kind: Kind) => kinds[`KIND_${kind}`];

/** A world with an agent that holds what a test wants it to hold. */
class Bench {
  readonly authority: Authority;
  readonly caller: number;
  private readonly objects = new Map<Kind, number>();

  private constructor(authority: Authority) {
    this.authority = authority;
    this.caller = authority.agent();
    authority.time = NOW;
  }

  static async create(): Promise<Bench> {
    return new Bench(await Authority.create({ ramBytes: 8 << 20 }));
  }

  get exports() {
    return this.authority.exports;
  }

  /** A capability of `holder` to `object`. */
  held(kind: Kind, object: number, mask = RIGHTS_ALL, holder = this.caller): number {
    return this.authority.root(holder, object, mask, kindOf(kind));
  }

  /** Some object of the kind, 0 for a scope; null where the kernel has none of this kind yet. */
  object(kind: Kind): number | null {
    if (kind === "SCOPE") return 0;
    if (kind === "AGENT") return this.caller;
    if (kind === "POOL") return Number(this.authority.agentView(this.caller).poolAt(0).id);
    if (kind === "KERNEL") return Number(this.authority.world.kernel.root.authorityAt(0).id);
    const known = this.objects.get(kind);
    if (known !== undefined) return known;
    const made = this.raw(kind);
    if (made !== null) this.objects.set(kind, made);
    return made;
  }

  /** An object that is nothing but a slot. */
  raw(kind: Kind): number | null {
    const made = Number(this.exports.worldRaw(kindOf(kind)));
    return made === 0 ? null : made;
  }

  call(name: CallName, capability: number, caller = this.caller): StatusName {
    return this.authority.world.call(caller, name, capability).status;
  }

  /** All of memory, without the audit ring and the structure that a call arrives in. */
  memory(): Buffer {
    const { data, kernel: views } = this.authority.world;
    const bytes = Buffer.from(data.buffer.slice(RAM_BASE));
    const audit = new Views.Audit(data, views.root.audit);
    const forget = (at: number, length: number) =>
      bytes.fill(0, at - RAM_BASE, at - RAM_BASE + length);
    forget(audit.records, audit.capacity * Views.AuditRecord.size);
    forget(views.root.audit, Views.Audit.size);
    forget(new Views.KernelCpu(data, views.root.cpus).call, Views.Call.size);
    return bytes;
  }
}

/** Ways in which a capability with everything that the call needs is worth nothing. */
const WORTHLESS: readonly (readonly [StatusName, (bench: Bench, kind: Kind) => number | null])[] = [
  ["CAPABILITY_FORGED", () => 0],
  ["CAPABILITY_FORGED", (bench, kind) => good(bench, kind, (id) => id + GENERATION)],
  [
    "CAPABILITY_STALE",
    (bench, kind) =>
      good(bench, kind, (id) => {
        bench.exports.worldDelete(BigInt(id));
        return id;
      }),
  ],
  [
    "CAPABILITY_FOREIGN",
    (bench, kind) => {
      const object = bench.object(kind);
      return object === null ? null : bench.held(kind, object, RIGHTS_ALL, bench.authority.init);
    },
  ],
  [
    "CAPABILITY_EXPIRED",
    (bench, kind) =>
      good(bench, kind, (id) => {
        bench.authority.view(id).expiry = NOW;
        return id;
      }),
  ],
  [
    "CAPABILITY_REVOKED",
    (bench, kind) =>
      good(bench, kind, (id) => {
        const derived = bench.authority.grant(id, bench.caller);
        bench.authority.revoke(id);
        return derived;
      }),
  ],
  [
    "OBJECT_GONE",
    (bench, kind) => {
      if (kind === "SCOPE" || kind === "KERNEL") return null;
      const object = bench.raw(kind);
      if (object === null) return null;
      const id = bench.held(kind, object);
      bench.exports.worldFree(BigInt(object));
      return id;
    },
  ],
];

function good(bench: Bench, kind: Kind, spoil: (id: number) => number): number | null {
  const object = bench.object(kind);
  return object === null ? null : spoil(bench.held(kind, object));
}

interface Case {
  readonly what: string;
  readonly capability: number;
  readonly expected: StatusName;
}

/** Everything that must be refused, each with its status. */
function denials(bench: Bench, need: Need): Case[] {
  const cases: Case[] = [];
  const add = (what: string, capability: number | null, expected: StatusName) => {
    if (capability !== null) cases.push({ what, capability, expected });
  };
  for (const kind of NAMABLE) {
    const object = bench.object(kind);
    if (object === null) continue;
    if (!need.kinds.includes(kind)) {
      add(`a ${kind}`, bench.held(kind, object), "CAPABILITY_KIND");
      continue;
    }
    if (need.right === null) continue;
    const others = RIGHTS_ALL & ~bitOf(need.right);
    add(`${kind} with all rights but it`, bench.held(kind, object, others), "RIGHTS_MISSING");
    for (const right of RIGHTS.filter((each) => each !== need.right))
      add(`${kind} with ${right}`, bench.held(kind, object, bitOf(right)), "RIGHTS_MISSING");
  }
  if (need.self) add("another agent", bench.held("AGENT", bench.authority.init), "CAPABILITY_KIND");
  // The stale ones last: what is made after them would have their slots.
  for (const stale of [false, true])
    for (const [expected, make] of WORTHLESS)
      if ((expected === "CAPABILITY_STALE") === stale)
        for (const kind of need.kinds) add(`${expected} ${kind}`, make(bench, kind), expected);
  return cases;
}

/** Kinds of which the bench has a real object, and not only a slot. */
const REAL: readonly Kind[] = ["AGENT", "POOL", "SCOPE", "KERNEL"];

const CALLS = Object.entries(NEEDS) as [CallName, Need][];

describe("each system call", () => {
  test("is in the table, and each entry of the table is a call", () => {
    const calls = Object.keys(numbers).filter((name) => name !== "SYSCALLS");
    expect(Object.keys(NEEDS).sort()).toEqual(calls.map((name) => name.slice(8)).sort());
  });

  test.each(CALLS)(
    "%s: refused by name for every other kind, right and generation, and nothing changes",
    async (name, need) => {
      const bench = await Bench.create();
      const cases = denials(bench, need);
      const before = bench.memory();
      const found = cases.map(({ what, capability }) => [what, bench.call(name, capability)]);
      expect(found).toEqual(cases.map(({ what, expected }) => [what, expected]));
      expect(bench.memory().equals(before)).toBe(true);
    },
  );

  test.each(CALLS)("%s: let through with the one right that it needs", async (name, need) => {
    for (const kind of need.kinds) {
      const bench = await Bench.create();
      const object = bench.object(kind);
      if (object === null || !REAL.includes(kind)) continue;
      const capability = bench.held(kind, object, need.right === null ? 0 : bitOf(need.right));
      expect(DENIALS, `${kind}`).not.toContain(bench.call(name, capability));
    }
  });
});
