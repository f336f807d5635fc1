/** HTTP of the gateway, over a real socket, on a machine with all services. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { generate } from "openapi-typescript-codegen";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { Journal } from "../../sim/host/journal.ts";
import { API } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { putImage } from "../orchestrator/images.ts";
import { TestSystem } from "../orchestrator/testing/system.ts";
import { gatewayServer, type ServerOptions } from "./listen.ts";

let system: TestSystem;
let server: Server;
let port = 0;
let token = "";

async function listen(options: ServerOptions = {}): Promise<Server> {
  const host = {
    putImage: (archive: Uint8Array) =>
      putImage(system.store, archive).catch(({ message }: Error) => {
        throw new RequestError("bad-request", message);
      }),
    journal: () => system.machine.journal.toBytes(),
    version: "1.2.3",
  };
  const it = gatewayServer(host, system.access, options);
  await new Promise<void>((resolve) => it.listen(0, "127.0.0.1", resolve));
  return it;
}
const portOf = (it: Server) => (it.address() as AddressInfo).port;

beforeAll(async () => {
  system = await TestSystem.start({
    *sleeper(sys) {
      while (true) yield* sys.receive();
    },
  });
  server = await listen();
  port = portOf(server);
  const all = ["PROC_READ", "PROC_SPAWN", "PROC_CONTROL", "IMAGE_READ", "IMAGE_WRITE", "LOG_READ"];
  const made = await system.call("token.create", { name: "test", capabilities: all });
  token = made.token;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await system.stop();
});

interface Said {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: { readonly error?: { readonly code: string; readonly message: string } };
}

function ask(
  method: string,
  path: string,
  sent: {
    body?: string | Uint8Array;
    headers?: Record<string, string | undefined>;
    port?: number;
  } = {},
): Promise<Said> {
  const headers = Object.fromEntries(
    Object.entries({
      authorization: `Bearer ${token}`,
      ...(typeof sent.body === "string" ? { "content-type": "application/json" } : {}),
      ...sent.headers,
    }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: sent.port ?? port, method, path, headers };
    const asked = request(options, async (answer) => {
      let text = "";
      for await (const part of answer) text += part;
      const { statusCode: status = 0, headers } = answer;
      resolve({ status, headers, body: text === "" ? {} : JSON.parse(text) });
    });
    asked.on("error", reject).end(sent.body);
  });
}
/** Sends bytes as they are; what comes back until the other side hangs up, or says something. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let said = "";
    socket.on("data", (part) => {
      said += part;
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}
const refused = (said: Said) => [said.status, said.body.error?.message];
const run = (body: string) => ask("POST", "/v1/agents", { body });

test("the journal, which has in it what all agents were given, is the owner's alone", async () => {
  expect(refused(await ask("GET", "/v1/journal"))).toEqual([
    403,
    "the journal is its owner's alone",
  ]);
  const trusted = await listen({ trusted: true });
  const answer = await fetch(`http://127.0.0.1:${portOf(trusted)}/v1/journal`);
  trusted.close();
  const { entries } = await Journal.fromBytes(new Uint8Array(await answer.arrayBuffer()));
  expect(entries).toEqual(system.machine.journal.entries.slice(0, entries.length));
  expect(entries.length).toBeGreaterThan(100);
});

describe("the OpenAPI document", () => {
  test("is one by the judgement of an independent validator, and has each method", async () => {
    const { status, body } = await ask("GET", "/openapi.json", {
      headers: { authorization: undefined },
    });
    expect(status).toBe(200);
    const validator = new Validator();
    const document = body as Parameters<typeof validator.validate>[0];
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    const { paths } = body as { paths: Record<string, Record<string, { operationId: string }>> };
    const ids = Object.values(paths).flatMap((it) =>
      Object.values(it).map((row) => row.operationId),
    );
    const wanted = [
      ...Object.keys(API).map((name) => name.replace(".", "_")),
      "image_put",
      "metrics",
      "journal",
      "stream",
    ];
    expect(ids.sort()).toEqual(wanted.sort());
  });

  test("makes a client that drives the gateway", async () => {
    const output = mkdtempSync(join(tmpdir(), "aios-client-"));
    const { body: input } = await ask("GET", "/openapi.json");
    await generate({ input, output, httpClient: "fetch", useUnionTypes: true });
    const { OpenAPI, AgentService, TokenService, ApiError } = await import(`${output}/index.ts`);
    OpenAPI.BASE = `http://127.0.0.1:${port}`;
    OpenAPI.TOKEN = token;
    const begun = await AgentService.agentRun({ image: "sleeper:1.0.0", project: "g", name: "s" });
    expect(begun).toMatchObject({ name: "s", project: "g", state: "running" });
    expect(await AgentService.agentList("g")).toMatchObject([{ name: "s" }]);
    expect(await AgentService.agentKill("g", "s", { code: 3 })).toMatchObject({ name: "s" });
    expect(await AgentService.agentWait("g", "s", 10)).toMatchObject({ exit: { code: 3 } });
    const denied = await TokenService.tokenList().catch((error: unknown) => error);
    expect(denied).toBeInstanceOf(ApiError);
    expect(denied).toMatchObject({ status: 403, body: { error: { code: "denied" } } });
    rmSync(output, { recursive: true });
  });
});

describe("a request is refused", () => {
  test("without a token, whatever it asks for", async () => {
    for (const [verb, path] of Object.values(API).map(({ http }) => http)) {
      const said = await ask(verb, path.replaceAll(/\{\w+\}/g, "x"), {
        headers: { authorization: undefined },
      });
      expect([said.status, said.headers["www-authenticate"]], path).toEqual([
        401,
        'Bearer realm="aios"',
      ]);
    }
    expect(
      (await ask("PUT", "/v1/images", { headers: { authorization: "Bearer x" } })).status,
    ).toBe(401);
  });

  test("for another host, and from another site", async () => {
    const status = async (headers: Record<string, string>) =>
      (await ask("GET", "/v1/agents", { headers })).status;
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `[::1]:${port}`,
      `LOCALHOST:${port}`,
    ])
      expect(await status({ host }), host).toBe(200);
    for (const host of [
      "127.0.0.1",
      `evil.example:${port}`,
      `127.0.0.1.evil:${port}`,
      `[::2]:${port}`,
    ])
      expect(await status({ host }), host).toBe(403);
    const from = (origin: string) => status({ origin });
    expect(await from(`http://localhost:${port}`)).toBe(200);
    for (const origin of [
      "http://evil.example",
      "null",
      `https://localhost:${port}`,
      "http://localhost",
    ])
      expect(await from(origin), origin).toBe(403);
  });

  test("with the place of what is wrong in it", async () => {
    expect(refused(await run('{"image":"x","name":"A"}'))).toEqual([
      400,
      'name: "A" is no name: 1 to 31 small letters, digits, dots, dashes; a letter or digit first',
    ]);
    for (const [unknown, place] of [
      ['"capabilites":[]', "capabilites"],
      ['"limits":{"memroy":1}', "limits.memroy"],
    ])
      expect(refused(await run(`{"image":"x",${unknown}}`))).toEqual([
        400,
        `${place}: unknown key`,
      ]);
    expect(refused(await run('{"image":"x","limits":{"memory":1}}'))[1]).toMatch(
      /^limits\.memory: /,
    );
    expect(refused(await run('{"image":'))[1]).toMatch(/^body: /);
    expect(refused(await run("[]"))).toEqual([400, "body: an object is meant"]);
    expect(refused(await ask("GET", "/v1/agents/p/%2e%2e%2fx"))[1]).toMatch(/^name: /);
    expect(refused(await ask("GET", "/v1/agents/p/%252e"))[1]).toMatch(/^name: /);
    expect(refused(await ask("GET", "/v1/agents/p/%ff"))[1]).toMatch(/^name: /);
    expect(refused(await ask("GET", "/v1/nothing"))).toEqual([
      404,
      "there is nothing at /v1/nothing",
    ]);
    expect(refused(await ask("GET", "/v1/agents?project=a&project=b"))).toEqual([
      400,
      "project: it is there twice",
    ]);
    const body = '{"image":"x"}';
    const typed = await ask("POST", "/v1/agents", {
      body,
      headers: { "content-type": "text/plain" },
    });
    expect(refused(typed)[1]).toMatch(/content-type/);
  });

  test("when it reaches for prototypes, is too deep or too large", async () => {
    for (const key of ["__proto__", "constructor", "prototype"])
      expect(refused(await run(`{"image":"x","env":{"${key}":"y"}}`))[1]).toContain(`"${key}"`);
    expect((await ask("GET", "/v1/agents?__proto__=x")).status).toBe(400);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
    const deep = `{"image":"x","args":${"[".repeat(5000)}${"]".repeat(5000)}}`;
    expect(refused(await run(deep))[1]).toBe("body: it is deeper than 16 levels");
    const large = JSON.stringify({ image: "x", args: Array(20).fill("y".repeat(4000)) });
    expect((await run(large)).status).toBe(413);
    const chunked = { body: large, headers: { "transfer-encoding": "chunked" } };
    expect((await ask("POST", "/v1/agents", chunked)).status).toBe(413);
    const head = `PUT /v1/images HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${token}\r\n`;
    expect(await raw(`${head}Content-Length: 18000000\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("when there are too many, with when to come again", async () => {
    const narrow = await listen({ rate: { perSecond: 1, burst: 3 } });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ask("GET", "/v1/agents", { port: portOf(narrow) })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers["retry-after"]).toBe("1");
    narrow.closeAllConnections();
    narrow.close();
  });

  test("when its head is ambiguous: nothing is smuggled behind it", async () => {
    const head = `POST /v1/agents HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
    for (const wrong of [
      "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      `X: ${"y".repeat(20_000)}\r\n\r\n`,
    ])
      expect(await raw(head + wrong)).toMatch(/^HTTP\/1\.1 4(00|31) /);
  });
});

describe("an image", () => {
  const archiveOf = async (name: string) => {
    const file = agentFile({ name, runtime: "host", program: "sleeper", entry: undefined });
    return (await build(file, {})).archive;
  };
  const digest = (bytes: Uint8Array) =>
    `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;

  test("that is brought is verified, kept and registered; twice is once", async () => {
    const body = await archiveOf("brought");
    const headers = { "content-digest": digest(body) };
    for (let n = 0; n < 2; n++)
      expect(await ask("PUT", "/v1/images", { body, headers })).toMatchObject({
        status: 201,
        body: { name: "brought", reference: "brought:1.0.0" },
      });
    const named = await ask("PUT", "/v1/images?reference=other", { body });
    expect(named.body).toMatchObject({ reference: "other" });
  });

  test("that isn't what its digest says, or is none, or whose sender may not, isn't kept", async () => {
    const body = await archiveOf("unwanted");
    const other = { "content-digest": digest(new Uint8Array(1)) };
    expect((await ask("PUT", "/v1/images", { body, headers: other })).status).toBe(400);
    const changed = body.slice();
    changed[body.length >> 1] = (changed[body.length >> 1] ?? 0) ^ 1;
    expect((await ask("PUT", "/v1/images", { body: changed })).status).toBe(400);
    const { token: reads } = await system.call("token.create", {
      name: "reads",
      capabilities: ["IMAGE_READ"],
    });
    const denied = await ask("PUT", "/v1/images", {
      body,
      headers: { authorization: `Bearer ${reads}` },
    });
    expect(refused(denied)).toEqual([403, "IMAGE_WRITE is needed"]);
    const hex = createHash("sha256").update(body).digest("hex");
    await expect(system.store.getObject(hex)).rejects.toThrow("there is no object");
  });
});
