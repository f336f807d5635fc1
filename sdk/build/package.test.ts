import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundleWithVite, installDependencies, projectWithPackage } from "./testing.ts";

const folders: string[] = [];
function project(files: Readonly<Record<string, string>>): string {
  const folder = projectWithPackage(files);
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface Manifest {
  readonly files: readonly string[];
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}
const manifest = JSON.parse(readFileSync("pkg/package.json", "utf8")) as Manifest;

/** Every file that a part of the manifest names. */
function targets(part: unknown): string[] {
  if (typeof part === "string") return [part];
  return Object.values(part as Record<string, unknown>).flatMap(targets);
}

/** What Node chooses for `specifier` in a project, with a further condition. */
function resolved(folder: string, specifier: string, ...conditions: string[]): string {
  const script = `process.stdout.write(import.meta.resolve(${JSON.stringify(specifier)}))`;
  const flags = conditions.map((condition) => `--conditions=${condition}`);
  const url = execFileSync("node", [...flags, "--input-type=module", "-e", script], {
    cwd: folder,
    encoding: "utf8",
    stdio: "pipe",
  });
  return url.slice(url.lastIndexOf("/") + 1);
}

const TEN_LINES = `
import { Machine, buildBootImage, type StopReason } from "aios";
const entries = [{ name: "hello.txt", data: new TextEncoder().encode("hello") }];
const image: Uint8Array = await buildBootImage({ entries });
const machine = await Machine.create({ cpus: 2, memory: 64 * 2 ** 20, drives: [{ data: image }] });
machine.breakOn("interrupt", ({ cpu, vector }) => cpu === 1 && vector === 32).remove();
const reason: StopReason = machine.boot();
const steps: bigint = machine.steps;
const frames: number | undefined = machine.sim.cpus[0]?.cr3 === 0n ? 0 : machine.sim.root.cpuCount;
console.log(JSON.stringify({ reason, steps: Number(steps), frames, stage: machine.kernel.stage }));
`;

/** A tool in AssemblyScript, and scripts that ask it. */
const AGENTS = {
  "twice.as.ts": `
    import { receive } from "aios/assemblyscript/agent";
    export function _start(): void {
      while (true) {
        const message = receive();
        if (message === null) return;
        message.reply((2 * I32.parseInt(message.text)).toString());
      }
    }`,
  "agents/tsconfig.json": '{ "extends": "aios/script/tsconfig.json", "include": ["*.ts"] }',
  "agents/asks.ts": `
    import { args, request, type Message } from "aios";
    const answer: Message = await request("twice", args[0] ?? "", { timeout: 500 });
    console.log(answer.text);`,
  "agents/wrong.ts": `
    import { Machine, send } from "aios";
    send("twice", 5);
    process.exit(document.title);`,
};

const TEST_OF_AGENTS = `
import { readFileSync } from "node:fs";
import { bundle, type Call, startSystem } from "aios/testing";
const system = await startSystem({
  twice: { module: readFileSync("twice.wasm") },
  asks: { script: await bundle("agents/asks.ts"), args: ["21"], peers: ["twice"] },
});
const first: Call = system.step();
const { code, stdout } = system.ended("asks");
console.log(JSON.stringify([first.agent, code, stdout]));
`;

describe("pkg/", () => {
  test("has every file that its manifest names, and lists every file that it has", () => {
    const named = [...targets(manifest.exports), ...targets(manifest.bin)];
    for (const file of named) expect(statSync(join("pkg", file)).size).toBeGreaterThan(0);
    expect([...manifest.files, "package.json"].sort()).toEqual(readdirSync("pkg").sort());
  });

  test("names no file outside of itself but of packages that its manifest wants", () => {
    const wanted = Object.keys(manifest.dependencies).join("|");
    const allowed = new RegExp(
      `^node:|^(fs|path|process|child_process|events|stream|util|zlib)$|^\\./[\\w.-]+$|^(${wanted})$`,
    );
    for (const file of readdirSync("pkg").filter((name) => /\.(js|d\.ts)$/.test(name))) {
      const text = readFileSync(join("pkg", file), "utf8");
      const imports = [...text.matchAll(/^(?:import|export)\b.*? from "([^"]+)"/gm)];
      for (const [, target = ""] of imports) expect(target, file).toMatch(allowed);
    }
  });

  test("its entries for browsers name the modules by URLs that bundlers can follow", () => {
    for (const entry of ["aios.js", "aios.web.js"])
      for (const module of ["sim", "kernel"])
        expect(readFileSync(join("pkg", entry), "utf8")).toContain(
          `new URL("./${module}.wasm", import.meta.url)`,
        );
  });

  test("its entries for browsers use nothing of Node", () => {
    for (const entry of ["aios.js", "aios.web.js"]) {
      const text = readFileSync(join("pkg", entry), "utf8");
      expect(text).not.toMatch(/from "node:|require\(|\bprocess\.|\bBuffer\b/);
    }
  });

  test("gives each platform its entry", () => {
    const folder = project({});
    expect(resolved(folder, "aios")).toBe("aios.node.js");
    expect(resolved(folder, "aios/node")).toBe("aios.node.js");
    expect(resolved(folder, "aios/web")).toBe("aios.web.js");
    expect(resolved(folder, "aios/sim.wasm")).toBe("sim.wasm");
    expect(() => resolved(folder, "aios/cli.js")).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});

describe("a project that has nothing but pkg/", () => {
  test.each([
    ["NodeNext", "ES2023"],
    ["Bundler", "ES2023,DOM"],
  ])("compiles ten lines strictly, with %s resolution and %s", (resolution, lib) => {
    const folder = project({ "main.ts": TEN_LINES, "agents.ts": TEST_OF_AGENTS });
    const tsc = join(process.cwd(), "node_modules/typescript/bin/tsc");
    const module = resolution === "NodeNext" ? "NodeNext" : "ESNext";
    const types = join(process.cwd(), "node_modules/@types/node");
    const options = `--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess
      --target ES2023 --module ${module} --moduleResolution ${resolution} --lib ${lib}`.split(
      /\s+/,
    );
    const { stdout } = spawnSync(
      "node",
      [tsc, ...options, "--types", types, "main.ts", "agents.ts"],
      {
        cwd: folder,
        encoding: "utf8",
      },
    );
    expect(stdout).toBe("");
  });

  test("is refused what isn't so by the types", () => {
    const folder = project({
      "main.ts": 'import { Machine } from "aios";\nawait Machine.create({ cpus: "two" });\n',
    });
    const tsc = join(process.cwd(), "node_modules/typescript/bin/tsc");
    const options = "--noEmit --strict --target ES2023 --module NodeNext".split(" ");
    const { stdout } = spawnSync("node", [tsc, ...options, "--skipLibCheck", "main.ts"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(stdout).toContain("Type 'string' is not assignable to type 'number'");
  });

  test("boots a machine in Node", () => {
    const folder = project({
      "main.js": TEN_LINES.replace(
        /, type \w+|: (Uint8Array|StopReason|bigint|number \| undefined)(?= =)/g,
        "",
      ),
    });
    const output = execFileSync("node", ["main.js"], { cwd: folder, encoding: "utf8" });
    const result = JSON.parse(output) as { steps: number };
    expect(result).toMatchObject({ reason: "idle", frames: 2, stage: "idle" });
    expect(result.steps).toBeGreaterThan(50);
  });

  test("boots from a disk image in a file, in Node", () => {
    const folder = project({
      "main.js": `
        import { writeFileSync } from "node:fs";
        import { Machine, buildBootImage, fileDrive } from "aios/node";
        writeFileSync("disk.img", await buildBootImage({ entries: [{ name: "a", data: Uint8Array.of(1) }] }));
        const machine = await Machine.create({ drives: [fileDrive("disk.img")] });
        console.log(machine.boot(), machine.kernel.bundle.map(({ name }) => name).join());
      `,
    });
    const output = execFileSync("node", ["main.js"], { cwd: folder, encoding: "utf8" });
    expect(output).toBe("idle a\n");
  });

  test("has what agents are written and tested with", () => {
    const main = TEST_OF_AGENTS.replace(/type Call, |: Call(?= =)/g, "");
    const folder = project({ ...AGENTS, "main.js": main });
    installDependencies(folder);
    const modules = join(process.cwd(), "node_modules");
    const node = (...args: string[]) =>
      spawnSync("node", args, { cwd: folder, encoding: "utf8", timeout: 60_000 });
    const asc = "twice.as.ts --runtime stub --use abort= -O2 --outFile twice.wasm".split(" ");
    expect(node(join(modules, "assemblyscript/bin/asc.js"), ...asc).stderr).toBe("");
    const tsc = join(modules, "typescript/bin/tsc");
    const refused = node(tsc, "-p", "agents").stdout.match(/^\S+: error TS\d+.*$/gm) ?? [];
    expect(refused.map((line) => line.replace(/\(.*?(TS\d+).*/, " $1"))).toEqual([
      "agents/wrong.ts TS2305",
      "agents/wrong.ts TS2345",
      "agents/wrong.ts TS2591",
      "agents/wrong.ts TS2584",
    ]);
    const { stdout, stderr } = node("main.js");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(["asks", 0, "42\n"]);
  });

  test("has the command", () => {
    const folder = project({});
    const cli = join("node_modules/aios", manifest.bin.aios ?? "");
    expect(statSync(join(folder, cli)).mode & 0o111).not.toBe(0);
    const run = (...options: string[]) =>
      execFileSync("node", [cli, ...options], { cwd: folder, encoding: "utf8" });
    expect(run("--help")).toContain("Usage: aios");
    expect(run("boot", "--cpus", "2", "--memory", "64M")).toContain("processors: 2 online");
  });

  test("is bundled for browsers, and the modules are copied along as they are", async () => {
    const folder = project({
      "index.html": '<script type="module" src="./main.js"></script>',
      "main.js": 'import { Machine } from "aios";\nglobalThis.machine = await Machine.create();\n',
    });
    const assets = join(await bundleWithVite(folder), "assets");
    const built = readdirSync(assets);
    for (const module of ["sim", "kernel"]) {
      const copy = built.find((name) => name.startsWith(`${module}-`) && name.endsWith(".wasm"));
      expect(readFileSync(join(assets, copy ?? ""))).toEqual(readFileSync(`pkg/${module}.wasm`));
      const script = built.find((name) => name.endsWith(".js")) ?? "";
      expect(readFileSync(join(assets, script), "utf8")).toContain(copy);
    }
  });
});
