import { expect, test } from "vitest";
import { among, type Choice, MAKERS, type Maker } from "./choices.ts";
import type { Turn } from "./compare.ts";
import { lifeTurnOf } from "./life_choices.ts";
import { type Drawn, draw, type Outcome, repeatOf, tell } from "./sequences.ts";
import { Subject } from "./subject.ts";
import { NOBODY, type World } from "./world.ts";

/** AIOS_MODEL_SEED and AIOS_MODEL_REPEAT repeat a sequence that failed, as the failure says. */
const SEED = Number(process.env.AIOS_MODEL_SEED ?? 20261121);
const REPEAT = repeatOf(process.env.AIOS_MODEL_REPEAT);
const RUNS = Number(process.env.AIOS_MODEL_RUNS ?? 4);
const CALLS = 2000;

type Game = Pick<Drawn, "turnOf" | "create" | "twist">;

/** Draws sequences, all of which must agree; `title` begins the test's. */
async function agree(game: Game, title: string): Promise<void> {
  const drawn: Drawn = { seed: SEED, runs: RUNS, calls: CALLS, repeat: REPEAT, ...game };
  const outcome = await draw(drawn);
  const command = `npx vitest run kernel/model/random.test.ts -t "${title}"`;
  expect(outcome.failure === null, tell(outcome, drawn, command)).toBe(true);
  if (!REPEAT) expectAll(outcome);
}

/** What a choice means now. Time passes now and then, and when everybody waits. */
function turnOf(world: World, chosen: Choice): Turn {
  const awake = [...world.agents.values()].filter(({ wait }) => wait === null);
  const agent = among(awake, chosen.agent)?.name;
  if (agent === undefined || chosen.call % 12 === 0)
    return { agent: NOBODY, call: { call: "TICK", to: world.now + (chosen.amount % 40) } };
  const make = among(MAKERS, chosen.call) as Maker;
  return { agent, call: make(world, agent, chosen) };
}

/** Agents that know each other and hold some of all there is. */
async function acquainted(quotas: readonly number[], ramBytes: number) {
  const { subject, world } = await Subject.create(quotas, ramBytes);
  const selves = [...world.capabilities.values()].filter(({ thing }) => thing.kind === "agent");
  for (const agent of world.agents.keys())
    for (const { name, holder } of selves) if (holder !== agent) subject.share(world, agent, name);
  return { subject, world };
}

/** The last one is poor. */
const village = () => acquainted([1 << 20, 1 << 20, 1 << 18, 6000], 16 << 20);

/** Agents that can make others. */
async function founders() {
  const { subject, world } = await acquainted([2 << 20, 1 << 20, 400 << 10], 32 << 20);
  for (const agent of world.agents.keys()) {
    subject.shareImage(world, agent);
    subject.shareImage(world, agent, true);
    subject.shareKernel(world, agent);
  }
  return { subject, world };
}

/** Every call was carried out at least once, and refused at least once. */
function expectAll({ answered }: Outcome): void {
  for (const [call, statuses] of answered) {
    expect(statuses, call).toContain("OK");
    if (!["TICK", "SETTLE", "FAULT"].includes(call)) expect(statuses.size, call).toBeGreaterThan(1);
  }
}

test("any sequence of calls: the kernel answers as the specification says, and looks like it", () =>
  agree({ turnOf, create: village }, "any sequence of calls:"));

test("any sequence of births, clones, splits, merges, upgrades and ends: kernel and specification agree", () =>
  agree({ turnOf: lifeTurnOf, create: founders }, "any sequence of births"));

test("a specification that is wrong is found out, and the sequence made short, which repeats", async () => {
  // In which nobody who was killed ever comes to an end.
  const twist = (world: World, { call }: Turn) => {
    if (call.call === "SETTLE") world.ending.splice(0);
  };
  const game = { turnOf: lifeTurnOf, create: founders, twist };
  const drawn: Drawn = { seed: 1, runs: 1, calls: CALLS, ...game };
  const { failure } = await draw(drawn);
  const kept = failure?.kept ?? [];
  // An agent's end, what it takes for there to be one, and the step that should have finished it.
  expect(kept.length).toBeLessThan(6);
  expect(failure?.turns.at(-1)?.call.call).toBe("SETTLE");
  for (const left of kept) {
    const repeat = { run: 0, kept: kept.filter((one) => one !== left) };
    expect((await draw({ ...drawn, repeat })).failure).toBeNull();
  }
  const again = await draw({ ...drawn, repeat: { run: 0, kept } });
  expect(again.failure?.turns).toEqual(failure?.turns);
});
