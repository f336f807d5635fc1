/** Agents that know each other by name: the kernel's capabilities behind the names, over lives and shards. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import { Birth, News } from "../messages/birth.ts";
import { decode } from "../messages/json.ts";
import { ENTRIES_PER_AGENT, SHARD_ENTRIES_MAX } from "./limits.ts";
import { PROGRAMS } from "./testing/programs.ts";
import { type AgentPrograms, TestSystem } from "./testing/system.ts";

const text = (value: string) => new TextEncoder().encode(value);
const limits = { memory: 1 << 18 };

const programs: AgentPrograms = {
  ...PROGRAMS,
  /** Writes what it is sent, a line a message. */
  *hearer(sys) {
    const { streams } = Birth.parse(decode((yield* sys.receive()).bytes));
    while (true) {
      const said = new TextDecoder().decode((yield* sys.receive()).bytes);
      yield* sys.write(streams[1] ?? 0, text(`${said}\n`));
    }
  },
  /**
   * Passes what it is sent on to whom it knows by its first argument, and writes what came of it. It looks
   * into its queue of renewals before, and takes what it is given later.
   */
  *sayer(sys) {
    const birth = Birth.parse(decode((yield* sys.receive()).bytes));
    const { args, streams, capabilities } = birth;
    const news = birth.news ?? 0;
    const say = (line: string) => sys.write(streams[1] ?? 0, text(`${line}\n`));
    let to = capabilities.find((it) => it.text === args[1])?.handle ?? 0;
    while (true) {
      const { bytes, capability } = yield* sys.receive();
      const said = new TextDecoder().decode(bytes);
      if (said.startsWith("{")) {
        const { granted } = JSON.parse(said) as { granted: { text: string } };
        if (granted.text === args[1]) to = capability;
        yield* say("granted");
        continue;
      }
      const woken = yield* sys.wait({ on: [news], deadline: 1n });
      if (woken.what === "object") {
        const heard = News.parse(decode((yield* sys.receive(news)).bytes));
        to = heard.capabilities.find((it) => it.text === args[1])?.handle ?? to;
      }
      const act = said === "kill" ? sys.kill(to) : sys.send(to, bytes);
      yield* say(yield* statusOf(act));
    }
  },
  /** For each message it gets, starts an agent of its first argument, an image; writes what came of it. */
  *parent(sys) {
    const birth = Birth.parse(decode((yield* sys.receive()).bytes));
    const { args, streams, capabilities } = birth;
    const news = birth.news ?? 0;
    let image = capabilities.find((it) => it.text === args[1])?.handle ?? 0;
    while (true) {
      yield* sys.receive();
      const woken = yield* sys.wait({ on: [news], deadline: 1n });
      if (woken.what === "object") {
        const heard = News.parse(decode((yield* sys.receive(news)).bytes));
        image = heard.capabilities.find((it) => it.text === args[1])?.handle ?? 0;
      }
      const came = yield* statusOf(sys.spawn({ image }));
      yield* sys.write(streams[1] ?? 0, text(`${came}\n`));
    }
  },
  /** Sends its second argument to whom it knows by its first one. */
  *teller(sys) {
    const { args, capabilities } = Birth.parse(decode((yield* sys.receive()).bytes));
    const to = capabilities.find((it) => it.text === args[1])?.handle ?? 0;
    yield* sys.send(to, text(args[2] ?? ""));
  },
};

function* statusOf(act: Step<unknown>): Step<string> {
  try {
    yield* act;
    return "OK";
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.status;
  }
}

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(programs, { projectBytes: 32 << 20 });
});
afterAll(() => system.stop());

let tellers = 0;
const seen = new Map<string, number>();

/** Agents of one project. */
class Project {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  run(program: string, name: string, capabilities: readonly string[] = [], args: string[] = []) {
    const image = `${program}:1.0.0`;
    const { name: project } = this;
    return system.call("agent.run", {
      project,
      image,
      name,
      capabilities: [...capabilities],
      args,
      limits,
    });
  }

  /** One that sends to another one. */
  sayer(name: string, to: string, capabilities = [`IPC_SEND:${to}`]) {
    return this.run("sayer", name, capabilities, [to]);
  }

  /** The next line that an agent writes. */
  async line(name: string): Promise<string | undefined> {
    const key = `${this.name}/${name}`;
    const from = seen.get(key) ?? 0;
    const { lines } = await system.call("agent.logs", { project: this.name, name, from, wait: 30 });
    seen.set(key, from + 1);
    return lines[0]?.text;
  }

  /** Has a sayer send a word: what came of it. */
  async say(name: string, word: string): Promise<string | undefined> {
    await this.run("teller", `teller-${++tellers}`, [`IPC_SEND:${name}`], [name, word]);
    return await this.line(name);
  }

  /** Ends an agent and starts it again. */
  async again(name: string): Promise<void> {
    const named = { project: this.name, name };
    await system.call("agent.kill", named);
    await system.call("agent.start", named);
  }

  async parentOf(name: string): Promise<number | undefined> {
    const { agent } = await system.call("agent.inspect", { project: this.name, name });
    return system.machine.kernel.agents.find(({ id }) => id === agent)?.parent;
  }
}

test("an agent sends to another one by its name, and can do nothing else to it", async () => {
  const p = new Project("plain");
  await p.run("hearer", "h");
  await p.sayer("s", "h");
  expect(await p.say("s", "one")).toBe("OK");
  expect(await p.line("h")).toBe("one");
  expect(await p.say("s", "kill")).toBe("RIGHTS_MISSING");
  const [held] = await system.call("agent.caps", { project: "plain", name: "s" });
  expect(held).toEqual({ text: "IPC_SEND:h", handle: expect.any(Number) });
});

test("who has a name has whoever runs under it: from its start on, after each restart, until it is revoked", async () => {
  const p = new Project("lives");
  await p.sayer("s", "h");
  expect(await p.say("s", "early")).toBe("CAPABILITY_REVOKED");
  await p.run("hearer", "h");
  for (const word of ["one", "two", "three"]) {
    expect(await p.say("s", word)).toBe("OK");
    expect(await p.line("h")).toBe(word);
    await p.again("h");
  }
  await system.call("agent.kill", { project: "lives", name: "h" });
  expect(await p.say("s", "nobody")).toMatch(/OBJECT_GONE|CAPABILITY_REVOKED/);
  await system.call("agent.start", { project: "lives", name: "h" });
  expect(await p.say("s", "four")).toBe("OK");
  await system.call("agent.revoke", { project: "lives", name: "s", capability: "IPC_SEND:h" });
  expect(await p.say("s", "late")).toBe("CAPABILITY_REVOKED");
  await p.again("h");
  expect(await p.say("s", "later")).toBe("CAPABILITY_REVOKED");
});

test("what is granted later comes with a message, and so does the next life", async () => {
  const p = new Project("later");
  await p.run("hearer", "h");
  await p.sayer("s", "h", []);
  expect(await p.say("s", "none")).toMatch(/^CAPABILITY_/);
  await system.call("agent.grant", { project: "later", name: "s", capability: "IPC_SEND:h" });
  expect(await p.line("s")).toBe("granted");
  expect(await p.say("s", "one")).toBe("OK");
  await p.again("h");
  expect(await p.line("s")).toBe("granted");
  expect(await p.say("s", "two")).toBe("OK");
  await p.again("s");
  expect(await p.say("s", "by birth")).toBe("OK");
});

test("agents of two shards know each other, and go on when the orchestrator ends", async () => {
  const p = new Project("far");
  const folders = (count: number) => Array.from({ length: count }, (_, n) => `FS_READ:/f${n}`);
  await p.sayer("s", "h");
  // The first shard has no place left, beside the sayer with its name.
  const left = SHARD_ENTRIES_MAX - (ENTRIES_PER_AGENT + 1);
  const each = ENTRIES_PER_AGENT + 64;
  const count = Math.floor(left / each);
  for (let n = 0; n < count; n++) await p.run("sleeper", `full-${n}`, folders(64));
  const rest = left - count * each - ENTRIES_PER_AGENT;
  if (rest >= 0) await p.run("sleeper", "full", folders(rest));
  await p.run("hearer", "h");
  expect(await p.parentOf("h")).not.toBe(await p.parentOf("s"));
  expect(await p.say("s", "one")).toBe("OK");
  system.fail("orchestrator");
  await system.call("system.status", {}).catch(() => undefined);
  expect(system.isArmed("orchestrator")).toBe(false);
  expect(await p.say("s", "two")).toBe("OK");
  await p.again("h");
  expect(await p.say("s", "three")).toBe("OK");
  for (const word of ["one", "two", "three"]) expect(await p.line("h")).toBe(word);
});

test("what is executed beside an agent has its names as long as the agent has, and no others", async () => {
  const p = new Project("beside");
  await p.run("hearer", "h");
  await p.sayer("s", "h");
  const exec = { project: "beside", name: "s", image: "sayer:1.0.0", args: ["h"], limits };
  await system.call("agent.exec", { ...exec, as: "x" });
  expect(await p.say("x", "one")).toBe("OK");
  await p.again("h");
  expect(await p.say("x", "two")).toBe("OK");
  await expect(
    system.call("agent.exec", { ...exec, capabilities: ["IPC_SEND:x"] }),
  ).rejects.toThrow("not among the agent's capabilities");
  await system.call("agent.revoke", { project: "beside", name: "s", capability: "IPC_SEND:h" });
  expect(await p.say("x", "three")).toBe("CAPABILITY_REVOKED");
});

test("an agent starts others of an image until it is revoked, whatever becomes of the orchestrator", async () => {
  const p = new Project("images");
  const capability = "PROC_SPAWN:hearer:1.0.0";
  await p.run("parent", "p", [capability], ["hearer:1.0.0"]);
  expect(await p.say("p", "once")).toBe("OK");
  system.fail("orchestrator");
  await system.call("system.status", {}).catch(() => undefined);
  expect(system.isArmed("orchestrator")).toBe(false);
  expect(await p.say("p", "again")).toBe("OK");
  await expect(system.call("image.remove", { reference: "hearer:1.0.0" })).rejects.toThrow(
    /^hearer:1.0.0 is wanted by .*images\/p, .* more; remove/,
  );
  await system.call("agent.revoke", { project: "images", name: "p", capability });
  expect(await p.say("p", "late")).toBe("CAPABILITY_REVOKED");
});

test("a client gives its agents the names that it holds, and no others", async () => {
  const call = system.client(["PROC_SPAWN:given", "IPC_SEND:h"]);
  const run = { project: "given", image: "sleeper:1.0.0", limits };
  await call("agent.run", { ...run, name: "a", capabilities: ["IPC_SEND:h"] });
  await expect(
    call("agent.run", { ...run, name: "b", capabilities: ["IPC_SEND:g"] }),
  ).rejects.toThrow("IPC_SEND:g is needed");
  await expect(
    system.call("agent.run", { ...run, name: "c", capabilities: ["IPC_SEND:No one"] }),
  ).rejects.toThrow("the name of an agent is meant");
  const wanted = { ...run, name: "d", capabilities: ["PROC_SPAWN:nothing:1.0.0"] };
  await expect(system.call("agent.run", wanted)).rejects.toThrow(
    "capability PROC_SPAWN:nothing:1.0.0: there is no image nothing:1.0.0",
  );
});
