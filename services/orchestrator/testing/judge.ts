/** What must be there after a crash, by what was acknowledged before. */
import { Agent } from "../../messages/api.ts";
import { ARGUMENTS, type Note } from "./driver.ts";
import type { TestSystem } from "./system.ts";

/** What is wrong with a system that has been started again; empty for nothing. */
export async function judge(system: TestSystem, notes: readonly Note[]): Promise<string[]> {
  const wrong: string[] = [];
  const list = await system.call("agent.list", {});
  const there = new Map(list.map((agent) => [agent.name, agent]));
  for (const agent of list) {
    const { success } = Agent.safeParse(agent);
    if (!success || agent.args.join() !== ARGUMENTS.join())
      wrong.push(`${agent.name} is half there`);
    if (!notes.some(({ name, act }) => name === agent.name && act === "run"))
      wrong.push(`${agent.name}: nobody has asked for it`);
  }
  for (const name of new Set(notes.map((note) => note.name))) {
    const agent = there.get(name);
    const mine = notes.filter((note) => note.name === name);
    const ran = mine.find(({ act, done }) => act === "run" && done);
    const removed = mine.filter(({ act }) => act === "remove");
    if (removed.some(({ done }) => done) && agent) wrong.push(`${name} is there, and was removed`);
    if (ran && removed.length === 0 && !agent) wrong.push(`${name} isn't there, and was started`);
    if (agent && ran && removed.length === 0) wrong.push(...(await judgeOne(system, agent, mine)));
  }
  return wrong;
}

async function judgeOne(system: TestSystem, agent: Agent, notes: readonly Note[]) {
  const wrong: string[] = [];
  const { name, limits } = agent;
  const last = (act: Note["act"]) => {
    const at = notes.findLastIndex((note) => note.act === act && note.done);
    const open = notes.slice(at + 1).some((note) => note.act === act);
    return at < 0 || open ? undefined : notes[at];
  };
  const update = last("update");
  if (update && limits.weight !== update.value)
    wrong.push(`${name}: weight ${limits.weight}, ${update.value} was acknowledged`);
  if (last("grant") && !agent.capabilities.includes("FS_READ:/projects/demo"))
    wrong.push(`${name} lacks a capability that it was granted`);
  const always = notes.some(({ act, done, value }) => act === "run" && done && value === 1);
  const stops = notes.some(({ act }) => act === "kill");
  const killed = notes.some(({ act, done }) => act === "kill" && done);
  if (killed && agent.agent !== null) wrong.push(`${name} runs, and was killed`);
  if (always && !stops && agent.agent === null && !["waiting", "starting"].includes(agent.state))
    wrong.push(`${name} is ${agent.state}, and is to run always`);
  if (!always && agent.agent !== null) wrong.push(`${name} was started again, against its policy`);
  const seen = Math.max(0, ...notes.filter((it) => it.act === "logs").map((it) => it.value ?? 0));
  const { lines } = await system.call("agent.logs", { name });
  if (lines.length < seen) wrong.push(`${name}: ${lines.length} lines, ${seen} were shown`);
  if (lines.some(({ sequence }, at) => sequence !== at)) wrong.push(`${name}: lines have gaps`);
  return wrong;
}
