import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Authority } from "../testing/cap-host.ts";
import { RIGHT_INFO, RIGHT_SEND, RIGHTS_ALL } from "./rights.ts";

/** kernel/limits.ts */
const PER_AGENT_MAX = 1024;
const DEPTH_MAX = 16;
const CAPABILITY_BYTES = 128;

let authority: Authority;
let giver: number;
let root: number;

beforeEach(async () => {
  authority = await Authority.create();
  giver = authority.agent();
  root = authority.root(giver);
});

const usedOf = (agent: number) => authority.agentView(agent).poolAt(0).used;
const countOf = (agent: number) => authority.agentView(agent).capabilityCount;

describe("deriving", () => {
  test("gives at most the parent's rights, until at most the parent's expiry", () => {
    const taker = authority.agent();
    authority.view(root).rights = RIGHT_INFO | RIGHT_SEND;
    authority.view(root).expiry = 500n;
    const made = authority.view(authority.grant(root, taker, RIGHTS_ALL));
    expect([made.rights, made.expiry]).toEqual([RIGHT_INFO | RIGHT_SEND, 500n]);
    expect(authority.view(authority.grant(root, taker, RIGHT_SEND)).rights).toBe(RIGHT_SEND);
  });

  test("goes as deep as the limit and not one level deeper", () => {
    let from = root;
    for (let depth = 1; depth < DEPTH_MAX; depth++) {
      expect(authority.room(giver, from, 1)).toBe("OK");
      from = authority.grant(from, giver);
      expect(authority.view(from).depth).toBe(depth);
      expect(authority.ask(giver, from)).toBe("OK");
    }
    expect(authority.room(giver, from, 1)).toBe("TOO_DEEP");
    expect(authority.grant(from, giver)).toBe(0);
    expect(countOf(giver)).toBe(DEPTH_MAX);
  });

  test("fills a table to its limit and not one further", () => {
    for (let count = 1; count < PER_AGENT_MAX; count++) authority.grant(root, giver);
    expect(countOf(giver)).toBe(PER_AGENT_MAX);
    expect(authority.room(giver, root, 1)).toBe("LIMIT");
    const used = usedOf(giver);
    expect(authority.grant(root, giver)).toBe(0);
    expect([countOf(giver), usedOf(giver)]).toEqual([PER_AGENT_MAX, used]);
  });

  test("is paid by the holder's pool, to the byte", () => {
    const poor = authority.agent();
    const before = usedOf(poor);
    const pool = authority.agentView(poor).poolAt(0);
    pool.quota = before + BigInt(2 * CAPABILITY_BYTES);
    expect(authority.room(poor, root, 2)).toBe("OK");
    expect(authority.room(poor, root, 3)).toBe("QUOTA");
    const made = [authority.grant(root, poor), authority.grant(root, poor)];
    expect(made).not.toContain(0);
    expect(authority.grant(root, poor)).toBe(0);
    expect(usedOf(poor)).toBe(pool.quota);
    for (const id of made) authority.exports.worldDelete(BigInt(id));
    expect(usedOf(poor)).toBe(before);
  });
});

describe("revoking", () => {
  test("reaches every descendant at once, through other agents' tables, and says how many", () => {
    const taker = authority.agent();
    const child = authority.grant(root, taker);
    const grandchild = authority.grant(child, giver);
    const other = authority.grant(root, taker);
    expect(authority.view(root).descendants).toBe(3);
    expect(authority.revoke(root)).toBe(3);
    expect(authority.ask(giver, root)).toBe("OK");
    for (const [agent, id] of [
      [taker, child],
      [giver, grandchild],
      [taker, other],
    ] as const)
      expect(authority.ask(agent, id)).toBe("CAPABILITY_REVOKED");
    expect(authority.view(root).descendants).toBe(0);
  });

  test("leaves alone what is derived afterwards, and what stands beside it", () => {
    const taker = authority.agent();
    const left = authority.grant(root, taker);
    const right = authority.grant(root, taker);
    const below = authority.grant(left, giver);
    expect(authority.revoke(left)).toBe(1);
    expect(authority.ask(giver, below)).toBe("CAPABILITY_REVOKED");
    const again = authority.grant(left, giver);
    expect(authority.ask(giver, again)).toBe("OK");
    expect(authority.ask(taker, right)).toBe("OK");
    expect(authority.view(root).descendants).toBe(3);
  });

  test("what was derived from a deleted capability is revoked, also when its slot is used again", () => {
    const taker = authority.agent();
    const middle = authority.grant(root, giver);
    const below = authority.grant(middle, taker);
    authority.exports.worldDelete(BigInt(middle));
    expect(authority.ask(taker, below)).toBe("CAPABILITY_REVOKED");
    authority.grant(root, giver);
    expect(authority.ask(taker, below)).toBe("CAPABILITY_REVOKED");
    expect(authority.view(root).descendants).toBe(1);
  });

  test("revoked and expired ones stay in the table until their room is needed", () => {
    const taker = authority.agent();
    const ids = Array.from({ length: PER_AGENT_MAX }, () => authority.grant(root, taker));
    const [first = 0, second = 0, third = 0] = ids;
    authority.view(second).expiry = 5n;
    authority.time = 5n;
    const middle = authority.grant(first, giver);
    expect(authority.room(taker, root, 1)).toBe("OK");
    expect(authority.room(taker, root, 2)).toBe("LIMIT");
    expect(authority.ask(taker, second)).toBe("CAPABILITY_EXPIRED");
    expect(authority.grant(root, taker)).not.toBe(0);
    expect(authority.ask(taker, second)).toBe("CAPABILITY_STALE");
    expect(authority.ask(taker, third)).toBe("OK");
    expect(authority.ask(giver, middle)).toBe("OK");
    expect(countOf(taker)).toBe(PER_AGENT_MAX);
  });

  test("an agent that ends drops its table in bounded pieces, and its delegates hold nothing", () => {
    const taker = authority.agent();
    const held = Array.from({ length: 10 }, () => authority.grant(root, taker));
    const below = authority.grant(held[4] ?? 0, giver);
    const drop = (most: number) => authority.exports.worldDrop(BigInt(taker), most);
    expect([drop(4), drop(4), drop(4), drop(4)]).toEqual([6, 2, 0, 0]);
    expect(authority.ask(giver, below)).toBe("CAPABILITY_REVOKED");
    expect(authority.view(root).descendants).toBe(0);
  });
});

/** What a capability is worth, kept in the plainest way: the whole tree, walked each time. */
interface Node {
  readonly id: number;
  readonly agent: number;
  readonly parent: Node | null;
  worth: "OK" | "CAPABILITY_REVOKED" | "CAPABILITY_STALE";
}

const under = (node: Node, top: Node): boolean =>
  node.parent !== null && (node.parent === top || under(node.parent, top));

test("any tree of derivations, revocations and deletions agrees with a model that visits every node", async () => {
  const step = fc.tuple(
    fc.constantFrom("derive", "derive", "derive", "revoke", "delete"),
    fc.nat(),
  );
  const model = async (steps: readonly (readonly [string, number])[]) => {
    const world = await Authority.create();
    const agents = [world.init, world.agent(), world.agent()];
    const nodes: Node[] = [
      { id: world.root(world.init), agent: world.init, parent: null, worth: "OK" },
    ];
    for (const [action, choice] of steps) {
      const alive = nodes.filter(({ worth }) => worth === "OK");
      const node = alive[choice % Math.max(1, alive.length)];
      if (node === undefined) break;
      const below = alive.filter((other) => under(other, node));
      if (action === "derive") {
        const agent = agents[choice % agents.length] ?? 0;
        const id = world.grant(node.id, agent);
        if (id !== 0) nodes.push({ id, agent, parent: node, worth: "OK" });
        else expect(world.view(node.id).depth).toBe(DEPTH_MAX - 1);
        continue;
      }
      for (const other of below) other.worth = "CAPABILITY_REVOKED";
      if (action === "revoke") expect(world.revoke(node.id)).toBe(below.length);
      else {
        world.exports.worldDelete(BigInt(node.id));
        node.worth = "CAPABILITY_STALE";
      }
    }
    expect(world.broken).toBe(0);
    for (const { id, agent, worth } of nodes) expect(world.ask(agent, id)).toBe(worth);
    for (const node of nodes.filter(({ worth }) => worth === "OK"))
      expect(world.view(node.id).descendants).toBe(
        nodes.filter((other) => other.worth === "OK" && under(other, node)).length,
      );
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), model), { numRuns: 60 });
});
