/** What clients may, with tokens and without, on a machine with all services. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../sdk/client/client.ts";
import { API, type MethodName } from "../messages/api.ts";
import { capabilityText } from "../messages/scope.ts";
import { TestSystem } from "../orchestrator/testing/system.ts";
import type { ClientSide } from "./clients.ts";
import { makeSecret, Tokens } from "./tokens.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start({
    *sleeper(sys) {
      while (true) yield* sys.receive();
    },
  });
});
afterAll(() => system.stop());

type Call = Client["call"];
const as =
  (client: ClientSide): Call =>
  async (method, params) =>
    (await client.call(method, params)) as never;
const owner: Call = (method, params) => as(system.access.owner)(method, params);
const bearer = (token: string): Call => as(system.access.byHeader(`Bearer ${token}`));
const token = (capabilities: readonly string[], more = {}) =>
  owner("token.create", { name: "t", capabilities: [...capabilities], ...more });

describe("a token", () => {
  test("is what its client may, and no more", async () => {
    const { token: shown } = await token(["PROC_READ:a", "PROC_SPAWN:a"]);
    const call = bearer(shown);
    expect(await call("agent.list", { project: "a" })).toEqual([]);
    await expect(call("agent.list", { project: "b" })).rejects.toThrow("PROC_READ:b is needed");
    await expect(call("agent.list", {})).rejects.toThrow("PROC_READ is needed");
    const run = { image: "sleeper:1.0.0", project: "a", name: "s" };
    await expect(call("agent.run", { ...run, capabilities: ["LOG_READ:a"] })).rejects.toThrow(
      "LOG_READ:a is needed",
    );
    expect(await call("agent.run", run)).toMatchObject({ state: "running" });
    await expect(call("agent.kill", { project: "a", name: "s" })).rejects.toThrow("PROC_CONTROL");
  });

  test("is kept as its digest only", async () => {
    const { token: shown, id } = await token(["PROC_READ:a"]);
    expect(shown).toMatch(/^aios_[\w-]{43}$/);
    const kept = JSON.stringify(await system.store.list(""));
    expect(kept).toContain(id);
    expect(kept).not.toContain(shown.slice("aios_".length));
    const loaded = await Tokens.load(system.store);
    expect(loaded.find(shown)).toMatchObject({ id, capabilities: ["PROC_READ:a"] });
  });

  test("that was made up, changed by a digit, or of another system is refused", async () => {
    const { token: shown } = await token(["PROC_READ:a"]);
    const other = shown.slice(0, -2) + (shown.at(-2) === "A" ? "B" : "A") + shown.slice(-1);
    for (const wrong of [makeSecret(), other, `${shown}A`, shown.slice(5), "", "a b", "\u{e9}"])
      expect(() => bearer(wrong)).toThrow(/token/);
    expect(() => system.access.byHeader(undefined)).toThrow("a token is needed");
    expect(() => system.access.byHeader(`Basic ${shown}`)).toThrow("a token is needed");
  });

  test("hands on what its client holds, and nothing else", async () => {
    const { token: shown } = await token(["TOKEN_ADMIN", "FS_READ:/projects"]);
    const call = bearer(shown);
    const make = (capability: string) =>
      call("token.create", { name: "part", capabilities: [capability] });
    expect(await make("FS_READ:/projects/demo")).toMatchObject({ expires: null });
    await expect(make("FS_WRITE:/projects/demo")).rejects.toThrow("FS_WRITE:/projects/demo");
    await expect(make("FS_READ:/project")).rejects.toThrow("FS_READ:/project is needed");
    await expect(make("FS_READ:/projects2")).rejects.toThrow("FS_READ:/projects2 is needed");
    await expect(make("FS_READ:/")).rejects.toThrow("FS_READ:/ is needed");
  });

  test("lasts no longer than the one it was made with, and goes with it", async () => {
    const first = await token(["TOKEN_ADMIN", "PROC_READ"], { expires: 1000 });
    const call = bearer(first.token);
    const part = { name: "part", capabilities: ["PROC_READ:a"] };
    await expect(call("token.create", { ...part, expires: 2000 })).rejects.toThrow(
      "no token lasts",
    );
    const second = await call("token.create", part);
    expect(second).toMatchObject({ expires: first.expires, by: first.id });
    expect(await bearer(second.token)("agent.list", { project: "a" })).toHaveLength(1);
    const { revoked } = await owner("token.revoke", { id: first.id });
    expect(revoked).toEqual([first.id, second.id]);
    for (const { token: gone } of [first, second])
      expect(() => bearer(gone)).toThrow("was revoked");
    expect((await owner("token.list", {})).map(({ id }) => id)).not.toContain(second.id);
  });

  test("makes no other one from the moment on at which it is revoked", async () => {
    const { id } = await token(["TOKEN_ADMIN", "PROC_READ"]);
    const { tokens } = system.access;
    const revoked = tokens.revoke(id);
    const part = { name: "part", capabilities: ["PROC_READ:a"], expires: null, by: id };
    await expect(tokens.create(part)).rejects.toThrow("the token was revoked");
    expect(await revoked).toEqual([id]);
  });

  test("that is revoked ends requests under way, and the kernel takes what it stood for", async () => {
    const { token: shown, id } = await token(["PROC_READ:a"]);
    const call = bearer(shown);
    await call("agent.list", { project: "a" });
    const waiting = call("agent.wait", { project: "a", name: "s", wait: 30 });
    const refused = expect(waiting).rejects.toThrow("the token was revoked");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await owner("token.revoke", { id });
    await refused;
    await expect(call("agent.list", { project: "a" })).rejects.toThrow("the token was revoked");
  });

  test("is over at its time, for requests that it has begun as well: the kernel says so", async () => {
    const { token: shown } = await token(["PROC_READ:a"], { expires: 2 });
    const call = bearer(shown);
    expect(await call("agent.list", { project: "a" })).toHaveLength(1);
    await expect
      .poll(() => call("agent.list", { project: "a" }).then(() => "", String), { timeout: 10_000 })
      .toContain("PROC_READ:a is needed");
    expect(() => bearer(shown)).toThrow("is over");
  });
});

describe("an agent that ends", () => {
  const asked = () => {
    const call = as(system.access.open({ id: null, capabilities: ["PROC_READ:a"], expires: null }));
    return { call, list: () => call("agent.list", { project: "a" }) };
  };
  for (const [service, why] of [
    ["client", "the client's agent has ended"],
    ["gateway", "the gateway has ended"],
  ] as const)
    test(`as ${service} rejects what is under way, and what waits is answered by the next one`, async () => {
      const { call, list } = asked();
      await list();
      const waiting = call("agent.wait", { project: "a", name: "s", wait: 30 });
      const refused = expect(waiting).rejects.toThrow(why);
      await new Promise((resolve) => setTimeout(resolve, 20));
      system.fail(service);
      const listed = list();
      await refused;
      expect(await listed.catch(({ code }) => code)).toSatisfy(
        (said) => said === "unavailable" || said.length === 1,
      );
      expect(system.isArmed(service)).toBe(false);
      expect(await list()).toHaveLength(1);
    });
});

/** Parameters with which each method needs something. */
const NAMED = { project: "p", name: "nobody" };
const PARAMS: { readonly [M in MethodName]?: object } = {
  "agent.run": { project: "p", image: "nothing" },
  "agent.exec": { ...NAMED, image: "nothing" },
  "agent.grant": { ...NAMED, capability: "LOG_READ:p" },
  "agent.revoke": { ...NAMED, capability: "LOG_READ:p" },
  "image.register": { archive: `sha256:${"0".repeat(64)}` },
  "image.inspect": { reference: "nothing" },
  "image.remove": { reference: "nothing" },
  "project.remove": { project: "nothing" },
  "token.create": { name: "t", capabilities: ["FS_READ:/x"] },
  "token.revoke": { id: "0".repeat(12) },
};

test("each method is refused to who lacks any one of its capabilities, and not to who has them", async () => {
  for (const name of Object.keys(API) as MethodName[]) {
    const row = API[name];
    const usual = Object.entries({ ...NAMED, id: "nothing" });
    const fitting = usual.filter(([key]) => key in row.params.shape);
    const params = { ...Object.fromEntries(fitting), ...PARAMS[name] };
    const needs = row.needs(row.params.parse(params) as never).map(capabilityText);
    expect(needs, name).not.toEqual([]);
    for (const lacking of needs) {
      const others = needs.filter((it) => it !== lacking);
      const client = system.access.open({ id: null, capabilities: others, expires: null });
      await expect(client.call(name, params), name).rejects.toMatchObject({
        code: "denied",
        message: `${lacking} is needed`,
      });
    }
    const client = system.access.open({ id: null, capabilities: needs, expires: null });
    const said = await client.call(name, params).catch(({ code }) => code);
    expect(said, name).not.toBe("denied");
  }
});
