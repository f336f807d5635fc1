import { beforeEach, describe, expect, test } from "vitest";
import { KIND_AGENT, KIND_POOL, KIND_SCOPE } from "../object/kinds.ts";
import { ALL_KINDS, Authority } from "../testing/cap-host.ts";
import { RIGHT_INFO, RIGHT_KILL, RIGHT_SEND } from "./rights.ts";

const GENERATION = 2 ** 26;
let authority: Authority;
let holder: number;
let capability: number;

beforeEach(async () => {
  authority = await Authority.create();
  holder = authority.agent();
  capability = authority.root(holder, holder, RIGHT_INFO | RIGHT_SEND);
});

describe("authorize", () => {
  test("a capability that its holder names is good for its rights and its kind", () => {
    expect(authority.ask(holder, capability, RIGHT_INFO | RIGHT_SEND, 1 << KIND_AGENT)).toBe("OK");
    expect(authority.ask(holder, capability)).toBe("OK");
  });

  test("what was never given out is FORGED: 0, another index, a later generation, another kind", () => {
    const forged = [0, capability + 1, capability + GENERATION, capability + 2 ** 22, 2 ** 52 - 1];
    for (const id of forged) expect(authority.ask(holder, id), `${id}`).toBe("CAPABILITY_FORGED");
    const high = authority.exports.worldAuthorize(
      BigInt(holder),
      BigInt(capability) | (1n << 63n),
      ALL_KINDS,
      0,
    );
    expect(high).toBe(2);
  });

  test("what was deleted is STALE, also when its slot has a new owner", () => {
    authority.exports.worldDelete(BigInt(capability));
    expect(authority.ask(holder, capability)).toBe("CAPABILITY_STALE");
    const next = authority.root(holder);
    expect(next).toBe(capability + GENERATION);
    expect(authority.ask(holder, capability)).toBe("CAPABILITY_STALE");
    expect(authority.ask(holder, next)).toBe("OK");
  });

  test("another agent's is FOREIGN, whatever it would be worth to its holder", () => {
    expect(authority.ask(authority.init, capability)).toBe("CAPABILITY_FOREIGN");
    authority.view(capability).expiry = 0n;
    expect(authority.ask(authority.init, capability)).toBe("CAPABILITY_FOREIGN");
  });

  test("it is EXPIRED from its expiry on, to the nanosecond", () => {
    authority.view(capability).expiry = 1000n;
    authority.time = 999n;
    expect(authority.ask(holder, capability)).toBe("OK");
    authority.time = 1000n;
    expect(authority.ask(holder, capability)).toBe("CAPABILITY_EXPIRED");
    authority.time = 1001n;
    expect(authority.ask(holder, capability)).toBe("CAPABILITY_EXPIRED");
  });

  test("another kind of object is KIND", () => {
    const kinds = (1 << KIND_POOL) | (1 << KIND_SCOPE);
    expect(authority.ask(holder, capability, RIGHT_INFO, kinds)).toBe("CAPABILITY_KIND");
  });

  test("one right too few is RIGHTS_MISSING, and so is one that AgentSpecialize took", () => {
    expect(authority.ask(holder, capability, RIGHT_INFO | RIGHT_KILL)).toBe("RIGHTS_MISSING");
    authority.agentView(holder).rightsLeft = RIGHT_INFO;
    expect(authority.ask(holder, capability, RIGHT_INFO)).toBe("OK");
    expect(authority.ask(holder, capability, RIGHT_SEND)).toBe("RIGHTS_MISSING");
  });

  test("an object that is gone is OBJECT_GONE, also when its slot has another object", () => {
    const object = authority.agent();
    const other = authority.root(holder, object);
    const view = authority.agentView(object);
    const id = view.id;
    view.id = id + BigInt(GENERATION);
    expect(authority.ask(holder, other)).toBe("OBJECT_GONE");
    view.id = id;
    expect(authority.ask(holder, other)).toBe("OK");
  });
});
