/** What an image or a client allows an agent, tried at the limit: capabilities, messages, bytes of files. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SyscallError } from "../../sdk/agent/error.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import type { Params } from "../messages/api.ts";
import { Birth } from "../messages/birth.ts";
import { parseCapability, scopeOf } from "../messages/scope.ts";
import { Contacts } from "../wasm/contacts.ts";
import { FilesClient } from "../wasm/wasi_client.ts";
import { errnoNamed } from "../wasm/wasi_constants.ts";
import { Refusal } from "../wasm/wasi_memory.ts";
import { putImage } from "./images.ts";
import { type AgentPrograms, TestSystem } from "./testing/system.ts";

const text = (value: string) => new TextEncoder().encode(value);
const born = (bytes: Uint8Array) => Birth.parse(JSON.parse(new TextDecoder().decode(bytes)));

/** With what it begins: itself, its pool, two streams, the service for files, and its news. */
const BEGINS = 6;
const ROOT = "/projects/demo";
const WRITES = `FS_WRITE:${ROOT}`;
const CHUNK = 100;
const NO_HANDLES = 98;
const OTHER_ERROR = 99;

const PROGRAMS: AgentPrograms = {
  /** Takes no messages but the first. */
  *deaf(sys) {
    while (true) yield* sys.sleep(1_000_000_000n);
  },
  /** Derives from itself until that is refused: how often it wasn't. */
  *hoarder(sys) {
    yield* sys.receive();
    for (let held = 0; ; held++)
      try {
        yield* sys.derive(sys.self);
      } catch (error) {
        const full = error instanceof SyscallError && error.status === "LIMIT";
        yield* sys.exit(full ? held : OTHER_ERROR);
      }
  },
  /** Writes a file in chunks, as many as it is told, until that is refused: how many that were. */
  *filler(sys) {
    const birth = born((yield* sys.receive()).bytes);
    const { args } = birth;
    const client = new FilesClient(new Contacts(birth), birth);
    const [, path = "", count = "", stays] = args;
    let written = 0;
    try {
      const given = { op: "open", root: ROOT, path, follow: true, create: true } as const;
      const how = { exclusive: false, truncate: false, folder: false, read: false, write: true };
      const { answer } = yield* client.ask(sys, { ...given, ...how });
      const file = { root: ROOT, path, id: answer.id ?? "", write: true };
      for (; written < Number(count); written++)
        yield* client.ask(sys, { op: "write", ...file, offset: null }, new Uint8Array(CHUNK));
      if (stays) yield* sys.receive();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.errno === errnoNamed("EMFILE")) yield* sys.exit(NO_HANDLES);
      if (error.errno !== errnoNamed("EDQUOT")) yield* sys.exit(OTHER_ERROR);
    }
    yield* sys.exit(written);
  },
  /** Makes one more of each capability that it was given, to hand it on: how many it can't. */
  *giver(sys) {
    const { capabilities } = born((yield* sys.receive()).bytes);
    let refused = 0;
    for (const { text: name, handle } of capabilities)
      try {
        yield* sys.derive(handle, { scope: scopeOf(parseCapability(name)) });
      } catch (error) {
        if (!(error instanceof SyscallError && error.status === "RIGHTS_MISSING")) throw error;
        refused++;
      }
    yield* sys.exit(refused);
  },
  /** Asks the service for files to hold it to more than it is, and how much it has used: how often it is denied. */
  *liar(sys) {
    const { files, capabilities } = born((yield* sys.receive()).bytes);
    const queue = yield* sys.endpoint("queue", 1);
    const proof = Buffer.from(yield* sys.token(capabilities[0]?.handle ?? 0)).toString("base64");
    const params = { proof, agent: sys.id, uid: "mine", storage: 1_000_000 };
    let denied = 0;
    for (const method of ["limit", "used"]) {
      const back = yield* sys.derive(queue);
      yield* sys.send(files ?? 0, text(JSON.stringify({ ask: 1, method, params })), back);
      const { bytes } = yield* sys.receive(queue);
      if (new TextDecoder().decode(bytes).includes('"denied"')) denied++;
    }
    yield* sys.exit(denied);
  },
};

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS);
});
afterAll(() => system.stop());

type Asked = Partial<Params<"agent.run">>;
async function codeOf(program: string, name: string, asked: Asked = {}): Promise<number> {
  await system.call("agent.run", { image: `${program}:1.0.0`, name, ...asked });
  return await endOf(name);
}
async function endOf(name: string): Promise<number> {
  const { exit } = await system.call("agent.wait", { name, wait: 30 });
  expect(exit?.reason).toBe("exited");
  return exit?.code ?? -1;
}

describe("handles", () => {
  test("so many are held and not one more, and a neighbour holds its own", async () => {
    expect(await codeOf("hoarder", "h20", { limits: { handles: 20 } })).toBe(20 - BEGINS);
    expect(await codeOf("hoarder", "h90", { limits: { handles: 90 } })).toBe(90 - BEGINS);
  });

  test("fewer than an agent begins with are refused, before anything is started", async () => {
    const capabilities = [WRITES];
    const asked = { image: "deaf:1.0.0", name: "few", capabilities };
    const run = (handles: number) => system.call("agent.run", { ...asked, limits: { handles } });
    await expect(run(BEGINS)).rejects.toThrow(`limits.handles: it begins with ${BEGINS + 1}`);
    await expect(system.call("agent.inspect", { name: "few" })).rejects.toThrow("no agent");
    await run(BEGINS + 1);
    const { usage, limits } = await system.call("agent.inspect", { name: "few" });
    expect([usage?.handles, limits.handles]).toEqual([BEGINS + 1, BEGINS + 1]);
  });
});

test("who has no handles left to ask for files is told so by POSIX's name", async () => {
  const asked = { capabilities: [WRITES], args: ["file", "1"] };
  // A queue for the answer, and what the service answers by.
  const run = (more: number) =>
    codeOf("filler", `asks${more}`, { ...asked, limits: { handles: BEGINS + 1 + more } });
  expect([await run(0), await run(1), await run(2)]).toEqual([NO_HANDLES, NO_HANDLES, 1]);
});

describe("messages", () => {
  const grant = (name: string, capability: string) =>
    system.call("agent.grant", { name, capability });

  test("so many wait for an agent and not one more, for a clone of it, too", async () => {
    const [image, limits] = ["deaf:1.0.0", { messages: 3 }];
    await system.call("agent.run", { image, name: "m3", limits });
    await system.call("agent.clone", { name: "m3", as: "m3-copy" });
    await system.call("agent.run", { image, name: "many" });
    for (const name of ["m3", "m3-copy"]) {
      // The first was what it was told at its birth.
      await grant(name, "LOG_READ");
      await grant(name, "IMAGE_READ");
      await expect(grant(name, "PROC_READ")).rejects.toThrow("FULL");
      const { usage, capabilities } = await system.call("agent.inspect", { name });
      expect([usage?.messages, capabilities]).toEqual([3, ["LOG_READ", "IMAGE_READ"]]);
      await grant("many", name === "m3" ? "PROC_READ" : "LOG_READ");
    }
  });
});

describe("storage", () => {
  const capabilities = [WRITES];
  const fills = (name: string, count: number, limits: Asked["limits"] = {}) =>
    codeOf("filler", name, { capabilities, limits, args: [name, String(count)] });

  test("files grow by so many bytes and no further, and a neighbour's as before", async () => {
    expect(await fills("s1000", 20, { storage: 10 * CHUNK })).toBe(10);
    expect(await fills("s1050", 20, { storage: 10 * CHUNK + 50 })).toBe(10);
    expect(await fills("s0", 1, { storage: 0 })).toBe(0);
    expect(await fills("free", 20)).toBe(20);
  });

  test("a further life has what is left, also when the service for files is another one", async () => {
    expect(await fills("again", 7, { storage: 10 * CHUNK })).toBe(7);
    await system.call("agent.start", { name: "again" });
    expect(await endOf("again")).toBe(3);
    system.fail("files");
    await fills("loses", 1);
    expect(system.isArmed("files")).toBe(false);
    await system.call("agent.start", { name: "again" });
    expect(await endOf("again")).toBe(0);
    expect(await fills("after", 3)).toBe(3);
  });

  test("what is used of it shows, over all its lives", async () => {
    const name = "shows";
    const args = [name, "3", "stays"];
    const used = async () => (await system.call("agent.inspect", { name })).usage?.storage;
    const asked = { image: "filler:1.0.0", capabilities, args, limits: { storage: 10 * CHUNK } };
    await system.call("agent.run", { name, ...asked });
    await expect.poll(used).toBe(3 * CHUNK);
    await system.call("agent.kill", { name });
    await system.call("agent.start", { name });
    await expect.poll(used).toBe(6 * CHUNK);
    await system.call("agent.remove", { name, force: true });
  });

  test("who is held to a number of bytes has nobody else write", async () => {
    const asked = { capabilities: [`FS_READ:${ROOT}`, WRITES] };
    expect(await codeOf("giver", "gives", asked)).toBe(0);
    expect(await codeOf("giver", "keeps", { ...asked, limits: { storage: 1000 } })).toBe(1);
    await system.call("agent.run", { image: "deaf:1.0.0", name: "late", limits: { storage: 1 } });
    const late = (capability: string) => system.call("agent.grant", { name: "late", capability });
    await late(`FS_READ:${ROOT}`);
    await expect(late(WRITES)).rejects.toThrow("limits.storage");
  });

  test("nobody but who makes agents says what they may", async () => {
    expect(await codeOf("liar", "liar", { capabilities })).toBe(2);
  });
});

describe("an image's limits", () => {
  const wished = { memory: 2 << 20, weight: 50, handles: 40, messages: 30, storage: 1000 };
  async function wishing() {
    const file = agentFile({
      ...{ name: "wishing", runtime: "host", program: "deaf", entry: undefined },
      ...{ args: ["from", "image"], env: { A: "1", B: "2" } },
      limits: { memory: "2M", weight: 50, handles: 40, messages: 30, storage: "1000" },
    });
    const archive = await putImage(system.store, (await build(file, {})).archive);
    return (await system.call("image.register", { archive })).digest;
  }

  test("are those of all its agents: by run, exec, in a document and of a job", async () => {
    const image = await wishing();
    const project = "wishes";
    const limits = { ...wished, foreground: false };
    const said = { args: ["from", "image"], env: { A: "1", B: "2" }, limits };
    expect(await system.call("agent.run", { image, name: "run", project })).toMatchObject(said);
    const beside = { name: "run", project, image, as: "exec" };
    expect(await system.call("agent.exec", beside)).toMatchObject(said);
    const agents = { doc: { image } };
    await system.call("project.apply", { project, agents, jobs: { job: { image, every: 0.1 } } });
    expect(await system.call("agent.inspect", { name: "doc", project })).toMatchObject(said);
    const started = (from = 0): Promise<unknown> =>
      system
        .call("events.read", { project, from, wait: 10 })
        .then(({ events, next }) =>
          events.some(({ kind }) => kind === "job.started") ? null : started(next),
        );
    await started();
    expect(await system.call("agent.inspect", { name: "job-1", project })).toMatchObject(said);
    await system.call("project.remove", { project });
  });

  test("give way to what is said, one by one", async () => {
    const image = await wishing();
    const limits = { handles: 20, cpu: 0.1 };
    const expected = { memory: 2 << 20, handles: 20, messages: 30, storage: 1000, cpu: 0.1 };
    const ran = await system.call("agent.run", { image, name: "said", limits });
    expect(ran.limits).toMatchObject({ ...expected, weight: 1024 });
    const agents = { doc: { image, limits, args: [], env: { B: "3" } } };
    await system.call("project.apply", { project: "said", agents });
    const { args, env, ...doc } = await system.call("agent.inspect", {
      ...{ name: "doc", project: "said" },
    });
    expect([args, env]).toEqual([[], { A: "1", B: "3" }]);
    expect(doc.limits).toEqual(ran.limits);
    await system.call("project.remove", { project: "said" });
  });

  test("are those of a life: they change between two", async () => {
    const image = await wishing();
    const named = { name: "fixed" };
    await system.call("agent.run", { image, ...named });
    for (const limits of [{ handles: 41 }, { messages: 29 }, { storage: 1001 }])
      await expect(system.call("agent.update", { ...named, limits })).rejects.toThrow(
        `limits.${Object.keys(limits)[0]}: can't be changed while it runs`,
      );
    await system.call("agent.kill", named);
    await system.call("agent.update", { ...named, limits: { handles: 41 } });
    expect((await system.call("agent.start", named)).limits.handles).toBe(41);
  });
});
