import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { bundleWithVite, projectWithPackage } from "../../../sdk/build/testing.ts";
import type * as Aios from "../../../sdk/index.ts";
import { requireTool } from "../testing/tools.ts";

/** A session at a machine, as a page or a test has one: the same text runs on both sides. */
async function session(aios: typeof Aios) {
  const { Machine, buildBootImage } = aios;
  const data = new TextEncoder().encode("hello\n");
  const image = await buildBootImage({ entries: [{ name: "hello.txt", data }] });
  const drives = [{ data: image }];
  const machine = await Machine.create({ cpus: 2, memory: 64 * 2 ** 20, drives });
  const first = machine.step();
  const hashes = [machine.stateHash()];
  const watch = machine.breakOn("command-completed");
  const broke = machine.run();
  watch.remove();
  hashes.push(machine.stateHash());
  // The last page of RAM, of which the kernel has no need.
  machine.input.poke(64 * 2 ** 20 - 8, 8, 0x1234_5678_9abc_def0n);
  hashes.push(machine.stateHash());
  const copy = await Machine.restore(
    await aios.Snapshot.fromBytes(await machine.snapshot().toBytes()),
    { drives },
  );
  const idle = machine.boot();
  hashes.push(machine.stateHash());
  copy.boot();
  machine.input.powerButton();
  const end = machine.run();
  return {
    stops: [first, broke, idle, end],
    hashes: [...hashes, machine.stateHash()],
    copyAgrees: copy.stateHash() === hashes.at(-1),
    poked: machine.physical.number(64 * 2 ** 20 - 8, 8).toString(16),
    pciFunctions: machine.sim.functions.length,
    files: machine.kernel.bundle.map(({ name }) => name),
    console: machine.consoleText,
    steps: Number(machine.steps),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};
const cleanups: (() => unknown)[] = [];
let browser: Promise<Browser> | null = null;
afterAll(async () => {
  await (await browser)?.close();
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Serves the files of a folder, those in `others`, and nothing else; returns its address. */
async function serve(
  folder: string,
  others: Readonly<Record<string, string>> = {},
  types = TYPES,
): Promise<string> {
  const files = new Map<string, string | Uint8Array>(Object.entries(others));
  for (const name of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (name.isFile()) {
      const path = join(name.parentPath, name.name);
      files.set(path.slice(folder.length), readFileSync(path));
    }
  const server = createServer(({ url = "" }, response) => {
    const path = url === "/" ? "/index.html" : url;
    const content = files.get(path);
    if (content === undefined) return void response.writeHead(404).end();
    const type = types[extname(path)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const PAGE = `<!doctype html><script type="module">
import * as aios from "./aios.web.js";
globalThis.aios = aios;
</script>`;

/** A page of headless Chromium that has loaded `address` and set `aios`. */
async function open(address: string): Promise<Page> {
  const executablePath = requireTool("chromium");
  browser ??= chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--disable-quic",
    ],
  });
  const page = await (await browser).newPage();
  await page.goto(address);
  await page.waitForFunction("globalThis.aios !== undefined");
  return page;
}

const inPage = (page: Page) =>
  page.evaluate(`(${session})(globalThis.aios)`) as ReturnType<typeof session>;
const inNode = async () =>
  session((await import(pathToFileURL("pkg/aios.node.js").href)) as typeof Aios);

describe("in a browser", () => {
  test("a session at a machine goes as it does in Node, to the hash", async () => {
    const result = await inPage(await open(await serve("pkg", { "/index.html": PAGE })));
    expect(result).toEqual(await inNode());
    expect(result).toMatchObject({
      stops: ["steps", "break", "idle", "power-off"],
      copyAgrees: true,
      poked: "123456789abcdef0",
      files: ["hello.txt"],
    });
    expect(new Set(result.hashes).size).toBe(5);
    expect(result.console).toContain("hello.txt (6 bytes)");
  });

  test("the same holds for what Vite makes of it", async () => {
    const folder = projectWithPackage({
      "index.html": '<!doctype html><script type="module" src="./main.js"></script>',
      "main.js": 'import * as aios from "aios";\nglobalThis.aios = aios;\n',
    });
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const page = await open(await serve(await bundleWithVite(folder)));
    expect(await inPage(page)).toEqual(await inNode());
  });

  test("modules load from a server that doesn't know their type", async () => {
    const page = await open(await serve("pkg", { "/index.html": PAGE }, { ...TYPES, ".wasm": "" }));
    const create = "globalThis.aios.Machine.create().then((machine) => machine.boot())";
    expect(await page.evaluate(create)).toBe("panic");
  });

  test("a module that can't be had is an error that names it, and is tried again", async () => {
    const address = await serve("pkg", { "/index.html": PAGE });
    const page = await open(address);
    const create =
      'globalThis.aios.Machine.create().then(() => "created", (e) => e.code + ": " + e.message)';
    await page.route("**/kernel.wasm", (route) => route.fulfill({ status: 404 }));
    expect(await page.evaluate(create)).toBe(
      `modules-unavailable: kernel.wasm: ${address}kernel.wasm: HTTP status 404`,
    );
    await page.unroute("**/kernel.wasm");
    await page.route("**/kernel.wasm", (route) => route.fulfill({ body: "not a module" }));
    expect(await page.evaluate(create)).toMatch(/^modules-unavailable: kernel\.wasm: .*magic/s);
    await page.unroute("**/kernel.wasm");
    expect(await page.evaluate(create)).toBe("created");
  });
});
