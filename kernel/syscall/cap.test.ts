import { beforeEach, describe, expect, test } from "vitest";
import {
  RIGHT_DERIVE,
  RIGHT_INFO,
  RIGHT_REVOKE,
  RIGHT_SEND,
  RIGHT_SPECIALIZE,
  RIGHTS_ALL,
} from "../cap/rights.ts";
import { KIND_CAPABILITY, KIND_ENDPOINT, KIND_SCOPE } from "../object/kinds.ts";
import { Authority, NEVER } from "../testing/cap-host.ts";
import { statusName } from "../testing/world-host.ts";
import * as layout from "./cap_layouts.ts";

const GENERATION = 2 ** 26;
/** kernel/mm/frames.ts */
const OWNER_KERNEL = 2;
const MASK_ALL = 0xffff_ffff;

let authority: Authority;
let memory: number;
let self: number;
let agent: number;

beforeEach(async () => {
  authority = await Authority.create();
  agent = authority.agent();
  self = authority.root(agent);
  memory = authority.memory(agent);
});

interface Derive {
  readonly holder?: number;
  readonly rights?: number;
  readonly mask?: number;
  readonly expiry?: bigint;
  readonly scope?: string;
  readonly scopeBytes?: number;
  readonly reserved?: number;
}

function derive(from: number, wanted: Derive = {}, caller = agent, at = memory) {
  const scope = Buffer.from(wanted.scope ?? "");
  const bytes = Buffer.alloc(layout.DERIVE_BYTES);
  bytes.writeBigUInt64LE(BigInt(wanted.holder ?? 0), layout.DERIVE_HOLDER);
  bytes.writeUInt32LE(wanted.rights ?? 0, layout.DERIVE_RIGHTS);
  bytes.writeUInt32LE(wanted.mask ?? 0, layout.DERIVE_MASK);
  bytes.writeBigUInt64LE(wanted.expiry ?? 0n, layout.DERIVE_EXPIRY);
  bytes.writeUInt32LE(wanted.scopeBytes ?? scope.length, layout.DERIVE_SCOPE_BYTES);
  bytes.writeUInt32LE(wanted.reserved ?? 0, layout.DERIVE_RESERVED);
  scope.copy(bytes, layout.DERIVE_SCOPE);
  authority.store(caller, memory, bytes);
  return authority.world.call(caller, "CAP_DERIVE", from, at);
}

const revoke = (capability: number, itself = 0, caller = agent) =>
  authority.world.call(caller, "CAP_REVOKE", capability, itself);

function token(capability: number, caller = agent): Buffer {
  expect(authority.world.call(caller, "CAP_INSPECT", capability, memory).status).toBe("OK");
  return authority.load(caller, memory, layout.TOKEN_BYTES);
}

interface Asked {
  readonly rights?: number;
  readonly scope?: string;
  readonly mask?: number;
  readonly shower?: number;
}

/** What the kernel says of a token that `agent` was shown. */
function judge(shown: Buffer, asked: Asked = {}) {
  authority.store(agent, memory, shown);
  let scopeAt = 0;
  if (asked.scope !== undefined) {
    scopeAt = memory + 128;
    const bytes = Buffer.alloc(layout.SCOPE_BYTES);
    bytes.writeUInt32LE(asked.mask ?? 0, layout.SCOPE_MASK);
    bytes.writeUInt32LE(asked.scope.length, layout.SCOPE_LENGTH);
    bytes.write(asked.scope, layout.SCOPE_TEXT);
    authority.store(agent, scopeAt, bytes);
  }
  const args = [0, memory, asked.rights ?? 0, scopeAt, asked.shower ?? 0];
  const { status, value } = authority.world.call(agent, "CAP_INSPECT", self, ...args);
  expect(status).toBe("OK");
  return statusName(value);
}

describe("CapDerive", () => {
  test("makes a capability with the rights and the expiry that are asked for", () => {
    const { status, value } = derive(self, { rights: RIGHT_INFO, expiry: 700n });
    expect(status).toBe("OK");
    const made = authority.view(value);
    expect([made.rights, made.expiry, made.object]).toEqual([RIGHT_INFO, 700n, BigInt(agent)]);
    expect(authority.ask(agent, value, RIGHT_INFO)).toBe("OK");
    expect(authority.ask(agent, value, RIGHT_SEND)).toBe("RIGHTS_MISSING");
  });

  test("gives it to another agent, when the caller may choose that one's rights", () => {
    const other = authority.agent();
    const address = authority.root(agent, other, RIGHT_SPECIALIZE);
    const { value } = derive(self, { holder: address, rights: RIGHT_INFO });
    expect(authority.ask(other, value, RIGHT_INFO)).toBe("OK");
    expect(authority.ask(agent, value)).toBe("CAPABILITY_FOREIGN");
    const peer = authority.root(agent, other, RIGHTS_ALL & ~RIGHT_SPECIALIZE);
    expect(derive(self, { holder: peer }).status).toBe("RIGHTS_MISSING");
    expect(derive(self, { holder: self + 100 }).status).toBe("CAPABILITY_FORGED");
    const pool = authority.poolCapability(agent);
    expect(derive(self, { holder: pool }).status).toBe("CAPABILITY_KIND");
  });

  test("never widens: one more right, one more nanosecond", () => {
    const narrow = derive(self, { rights: RIGHT_INFO | RIGHT_DERIVE, expiry: 700n }).value;
    const wide = { rights: RIGHT_INFO | RIGHT_SEND };
    expect(derive(narrow, wide).status).toBe("WOULD_WIDEN");
    expect(derive(narrow, { expiry: 701n }).status).toBe("WOULD_WIDEN");
    expect(derive(narrow, { expiry: NEVER }).status).toBe("WOULD_WIDEN");
    expect(derive(narrow, { expiry: 700n }).status).toBe("OK");
    expect(authority.view(derive(narrow).value).expiry).toBe(700n);
    expect(derive(self, { rights: 2 ** 31 }).status).toBe("WOULD_WIDEN");
  });

  test("gives no right that the caller has given up for good", () => {
    authority.agentView(agent).rightsLeft = RIGHTS_ALL & ~RIGHT_SEND;
    expect(derive(self, { rights: RIGHT_SEND }).status).toBe("WOULD_WIDEN");
    expect(derive(self, { rights: RIGHT_INFO }).status).toBe("OK");
  });

  test("refuses an expiry that is not in the future", () => {
    authority.time = 300n;
    expect(derive(self, { expiry: 300n }).status).toBe("OUT_OF_RANGE");
    expect(derive(self, { expiry: 301n }).status).toBe("OK");
  });

  test("narrows scopes by their bytes and their mask: FS_READ:/project and what is below it", () => {
    const all = authority.root(agent, 0, RIGHTS_ALL, KIND_SCOPE);
    authority.view(all).scopeMask = MASK_ALL;
    const rights = RIGHT_DERIVE;
    const read = derive(all, { rights, scope: "FS_READ:/project/", mask: 0b0110 }).value;
    const view = authority.view(read);
    expect([view.scopeBytes, view.scopeMask]).toEqual([17, 0b0110]);
    expect(derive(read, { scope: "FS_READ:/project/src/", mask: 0b0010 }).status).toBe("OK");
    expect(derive(read, { scope: "FS_READ:/project/", mask: 0b0110 }).status).toBe("OK");
    for (const scope of ["FS_READ:/project", "FS_READ:/", "FS_WRITE:/project/", ""])
      expect(derive(read, { scope, mask: 0b0010 }).status, scope).toBe("WOULD_WIDEN");
    expect(derive(read, { scope: "FS_READ:/project/", mask: 0b1000 }).status).toBe("WOULD_WIDEN");
  });

  test("takes a scope of 32 bytes and none of 33", () => {
    const all = authority.root(agent, 0, RIGHTS_ALL, KIND_SCOPE);
    authority.view(all).scopeMask = MASK_ALL;
    expect(derive(all, { scope: "x".repeat(32) }).status).toBe("OK");
    expect(derive(all, { scope: "x".repeat(32), scopeBytes: 33 }).status).toBe("TOO_LARGE");
    expect(derive(all, { scope: "xy", scopeBytes: 1 }).status).toBe("BAD_ARGUMENT");
  });

  test("refuses what makes no sense by name", () => {
    expect(derive(self, { reserved: 1 }).status).toBe("BAD_ARGUMENT");
    expect(derive(self, { scope: "x" }).status).toBe("BAD_ARGUMENT");
    expect(derive(self, { mask: 1 }).status).toBe("BAD_ARGUMENT");
    expect(derive(self, {}, agent, memory + 4).status).toBe("MISALIGNED");
    expect(derive(self, {}, agent, 0).status).toBe("BAD_ADDRESS");
    const bare = derive(self, { rights: RIGHT_INFO }).value;
    expect(derive(bare).status).toBe("RIGHTS_MISSING");
  });

  test("refuses at the limits by name: depth, table, pool", () => {
    let from = self;
    for (let depth = 1; depth < 16; depth++) from = derive(from, { rights: RIGHT_DERIVE }).value;
    expect(derive(from).status).toBe("TOO_DEEP");
    const pool = authority.agentView(agent).poolAt(0);
    const quota = pool.quota;
    pool.quota = pool.used + 127n;
    expect(derive(self).status).toBe("QUOTA");
    pool.quota = pool.used + 128n;
    expect(derive(self).status).toBe("OK");
    pool.quota = quota;
    while (authority.agentView(agent).capabilityCount < 1024)
      expect(derive(self).status).toBe("OK");
    expect(derive(self).status).toBe("LIMIT");
    expect(authority.broken).toBe(0);
  });
});

test("CapDerive refuses by name when the table of all agents is full, and when no frame is left", () => {
  const used = () => authority.agentView(agent).poolAt(0).used;
  const slab = authority.world.kernel.root.slabsAt(KIND_CAPABILITY);
  const limit = slab.limit;
  slab.limit = slab.live + slab.retired;
  const before = used();
  expect(derive(self).status).toBe("LIMIT");
  expect(used()).toBe(before);
  slab.limit = limit;
  while (authority.exports.frameAlloc(0, OWNER_KERNEL) !== 0n);
  let status = derive(self).status;
  while (status === "OK") status = derive(self).status;
  expect(status).toBe("NO_MEMORY");
  expect(authority.broken).toBe(0);
});

describe("CapRevoke", () => {
  test("takes the authority of all that was derived, and says of how many", () => {
    const child = derive(self, { rights: RIGHT_INFO | RIGHT_DERIVE | RIGHT_REVOKE }).value;
    const grandchild = derive(child, { rights: RIGHT_INFO }).value;
    derive(grandchild);
    expect(revoke(self)).toEqual({ status: "OK", value: 2 });
    expect(authority.ask(agent, child)).toBe("CAPABILITY_REVOKED");
    expect(authority.ask(agent, grandchild)).toBe("CAPABILITY_REVOKED");
    expect(derive(grandchild).status).toBe("CAPABILITY_REVOKED");
    expect(revoke(child).status).toBe("CAPABILITY_REVOKED");
    expect(authority.broken).toBe(0);
  });

  test("needs RIGHT_REVOKE for the descendants, and no right to give oneself up", () => {
    const child = derive(self, { rights: RIGHT_INFO }).value;
    expect(revoke(child).status).toBe("RIGHTS_MISSING");
    expect(revoke(child, 2).status).toBe("RIGHTS_MISSING");
    expect(revoke(self, 2).status).toBe("BAD_ARGUMENT");
    expect(revoke(child, 1)).toEqual({ status: "OK", value: 0 });
    expect(revoke(child, 1).status).toBe("CAPABILITY_STALE");
    expect(revoke(self, 1, authority.init).status).toBe("CAPABILITY_FOREIGN");
  });

  test("takes what is worth nothing any more out of the table", () => {
    const child = derive(self, { rights: RIGHT_DERIVE }).value;
    const late = derive(self, { expiry: 5n }).value;
    const grandchild = derive(child).value;
    revoke(self);
    authority.time = 5n;
    const count = authority.agentView(agent).capabilityCount;
    const gone = Number(authority.exports.worldRaw(KIND_ENDPOINT));
    const useless = authority.root(agent, gone, RIGHTS_ALL, KIND_ENDPOINT);
    authority.exports.worldFree(BigInt(gone));
    expect(revoke(useless).status).toBe("OBJECT_GONE");
    expect(revoke(useless, 1).status).toBe("OK");
    for (const id of [grandchild, child, late]) expect(revoke(id, 1).status).toBe("OK");
    expect(authority.agentView(agent).capabilityCount).toBe(count - 3);
    expect(authority.broken).toBe(0);
  });
});

describe("CapInspect", () => {
  test("finds a token for an agent that is over good for AgentInfo alone", () => {
    const other = authority.agent();
    const shown = token(authority.root(agent, other));
    expect(judge(shown, { rights: RIGHT_SEND })).toBe("OK");
    authority.world.call(other, "AGENT_KILL", authority.root(other));
    expect(judge(shown, { rights: RIGHT_SEND })).toBe("OBJECT_GONE");
    expect(judge(shown, { rights: RIGHT_INFO })).toBe("OK");
  });

  test("shows the capability as 96 bytes", () => {
    const child = derive(self, { rights: RIGHT_INFO, expiry: 900n }).value;
    const shown = token(child);
    expect(Number(shown.readBigUInt64LE(layout.TOKEN_ID))).toBe(child);
    expect(Number(shown.readBigUInt64LE(layout.TOKEN_AGENT))).toBe(agent);
    expect(Number(shown.readBigUInt64LE(layout.TOKEN_OBJECT))).toBe(agent);
    expect(shown.readBigUInt64LE(layout.TOKEN_EXPIRY)).toBe(900n);
    expect(shown.readUInt32LE(layout.TOKEN_RIGHTS)).toBe(RIGHT_INFO);
    expect(token(child)).toEqual(shown);
    expect(authority.world.call(agent, "CAP_INSPECT", self, memory).value).toBe(1);
  });

  test("every bit of a token counts: one that is turned makes it FORGED", () => {
    const shown = token(derive(self, { rights: RIGHT_INFO, expiry: 900n }).value);
    expect(judge(shown)).toBe("OK");
    for (let bit = 0; bit < 8 * layout.TOKEN_BYTES; bit++) {
      const forged = Buffer.from(shown);
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(judge(forged), `bit ${bit}`).toBe("CAPABILITY_FORGED");
    }
  });

  test("a token of an earlier generation is STALE, one with a made-up generation FORGED", () => {
    const child = derive(self).value;
    const shown = token(child);
    revoke(child, 1);
    expect(judge(shown)).toBe("CAPABILITY_STALE");
    expect(derive(self).value).toBe(child + GENERATION);
    const next = Buffer.from(shown);
    next.writeBigUInt64LE(BigInt(child + GENERATION), layout.TOKEN_ID);
    expect(judge(next)).toBe("CAPABILITY_FORGED");
    expect(judge(shown)).toBe("CAPABILITY_STALE");
  });

  test("tells expired, revoked and foreign from each other, and what is asked too much", () => {
    const child = derive(self, { rights: RIGHT_INFO, expiry: 900n }).value;
    const shown = token(child);
    expect(judge(shown, { rights: RIGHT_INFO, shower: agent })).toBe("OK");
    expect(judge(shown, { shower: authority.init })).toBe("CAPABILITY_FOREIGN");
    expect(judge(shown, { rights: RIGHT_INFO | RIGHT_SEND })).toBe("RIGHTS_MISSING");
    expect(judge(shown, { scope: "" })).toBe("SCOPE");
    authority.time = 900n;
    expect(judge(shown)).toBe("CAPABILITY_EXPIRED");
    authority.time = 899n;
    expect(judge(shown)).toBe("OK");
    revoke(self);
    expect(judge(shown)).toBe("CAPABILITY_REVOKED");
  });

  test("compares a scope that is asked for with the token's: bytes and mask", () => {
    const all = authority.root(agent, 0, RIGHTS_ALL, KIND_SCOPE);
    authority.view(all).scopeMask = MASK_ALL;
    const shown = token(derive(all, { scope: "NET_BIND:localhost", mask: 3 }).value);
    expect(judge(shown, { scope: "NET_BIND:localhost", mask: 1 })).toBe("OK");
    expect(judge(shown, { scope: "NET_BIND:localhost:80", mask: 3 })).toBe("OK");
    expect(judge(shown, { scope: "NET_BIND:local", mask: 1 })).toBe("SCOPE");
    expect(judge(shown, { scope: "NET_BIND:localhosT", mask: 1 })).toBe("SCOPE");
    expect(judge(shown, { scope: "NET_BIND:localhost", mask: 4 })).toBe("SCOPE");
  });

  test("a token of another boot is FORGED", async () => {
    const shown = token(self);
    const key = 0x0200_0000 + (31 << 20);
    new Uint8Array(authority.world.data.buffer, key, 32).fill(7);
    authority.view(self).checked = 0;
    authority.exports.worldKey(key);
    expect(judge(shown)).toBe("CAPABILITY_FORGED");
  });

  test("refuses wrong arguments by name", () => {
    const call = (...args: number[]) =>
      authority.world.call(agent, "CAP_INSPECT", self, ...args).status;
    expect(call(0, 0)).toBe("BAD_ARGUMENT");
    expect(call(memory, memory)).toBe("BAD_ARGUMENT");
    expect(call(memory + 4)).toBe("MISALIGNED");
    expect(call(0, memory + 1)).toBe("MISALIGNED");
    expect(call(8)).toBe("BAD_ADDRESS");
    expect(call(0, 8)).toBe("BAD_ADDRESS");
    expect(call(0, memory, 0, memory + 4)).toBe("MISALIGNED");
    expect(call(0, memory, 0, 8)).toBe("BAD_ADDRESS");
    authority.store(agent, memory + 128, Buffer.from([0, 0, 0, 0, 33, 0, 0, 0]));
    expect(call(0, memory, 0, memory + 128)).toBe("TOO_LARGE");
  });
});
