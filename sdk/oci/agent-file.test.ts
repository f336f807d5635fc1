import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as elf from "../../kernel/agent/elf_format.ts";
import { Limits, Name } from "../../services/messages/api.ts";
import { readAgentFile } from "./agent-file.ts";
import * as media from "./media.ts";
import { ociErrorOf } from "./testing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => readAgentFile(bytes(text), "agent.json");
/** A file with these lines behind the usual ones, which are four. */
const withLines = (...lines: string[]) => `{
  // As in a README.
  "name": "worker", "version": "1.2.3-rc.1",
  "runtime": "wasm", "entry": "build/agent.wasm", /* made by asc */
  ${lines.join("\n  ")}
}`;

test("what is left out has defaults; comments and a last comma are fine", () => {
  expect(read(withLines())).toEqual({
    name: "worker",
    version: "1.2.3-rc.1",
    runtime: "wasm",
    entry: "build/agent.wasm",
    export: "_start",
    args: [],
    env: {},
    capabilities: [],
    limits: {},
    labels: {},
  });
});

test("the example of the book is one", () => {
  const chapter = readFileSync("docs/book/19-images-of-agents.md", "utf8");
  const example = /^```json\n(.*?)^```/ms.exec(chapter)?.[1] ?? "";
  expect(read(example)).toMatchObject({ name: "worker", limits: { milliCpu: 200, handles: 64 } });
});

test.each([
  ['"memory": "64M", "storage": "1g"', { memory: 64 * 1024 ** 2, storage: 1024 ** 3 }],
  ['"memory": 1048576, "storage": 0', { memory: 1024 ** 2, storage: 0 }],
  ['"cpu": "20%"', { milliCpu: 200 }],
  ['"cpu": "12.5%"', { milliCpu: 125 }],
  ['"cpu": "100%"', { milliCpu: 1000 }],
  ['"weight": 512, "handles": 8, "messages": 4', { weight: 512, handles: 8, messages: 4 }],
])("limits {%s} are %j", (text, limits) => {
  expect(read(withLines(`"limits": {${text}}`)).limits).toEqual(limits);
});

describe("refused with line, column and reason", () => {
  test.each<[string, string[], string]>([
    ["an unknown key", ['"memroy": 1'], "5:3: memroy: unknown key (schema)"],
    ["a key twice", ['"name": "other"'], '5:3: the key "name" is there twice (json)'],
    [
      "a key that libraries misread",
      ['"__proto__": {}'],
      '5:3: the key "__proto__" is reserved (json)',
    ],
    ["a bracket that isn't closed", ['"args": ["a"'], "6:1: unexpected token RBrace found (json)"],
    ["text that is no JSON", ["args: []"], "5:3: unexpected character 'a' found (json)"],
    ["a number of words", ['"args": ["a", 7]'], "5:17: args.1: not a string (schema)"],
    ["a zero byte", ['"args": ["a\\u0000b"]'], "5:12: args.0: has a zero byte (schema)"],
    [
      "a bad variable",
      ['"env": {', '"A-B": "1" }'],
      "6:3: env.A-B: not the name of a variable (schema)",
    ],
    [
      "a size that is none",
      ['"limits": {', '"memory": "64Q" }'],
      '6:13: limits.memory: "64Q" is not a size like 64M (schema)',
    ],
    [
      "too little memory",
      ['"limits": { "memory": "1K" }'],
      "5:25: limits.memory: less than 65536 (schema)",
    ],
    [
      "too much memory",
      ['"limits": { "memory": "2G" }'],
      "5:25: limits.memory: more than 1073741824 (schema)",
    ],
    [
      "a share without %",
      ['"limits": { "cpu": "20" }'],
      '5:22: limits.cpu: "20" is not a share like 20% (schema)',
    ],
    [
      "more than a processor",
      ['"limits": { "cpu": "101%" }'],
      "5:22: limits.cpu: more than 1000 (schema)",
    ],
    [
      "share and weight",
      ['"limits": { "cpu": "5%", "weight": 9 }'],
      "5:13: limits: an agent has a share of a processor or a weight, not both (schema)",
    ],
    [
      "a bad label",
      ['"labels": {"Team": "x"}'],
      "5:14: labels.Team: not a label like org.example.team (schema)",
    ],
    [
      "a word for capabilities",
      ['"capabilities": "FS_READ:/"'],
      "5:19: capabilities: not an array (schema)",
    ],
    [
      "a capability twice",
      ['"capabilities": ["PROC_SPAWN", "PROC_SPAWN"]'],
      "5:19: capabilities: a capability is there twice (schema)",
    ],
    [
      "a capability that is none",
      ['"capabilities": [', '"FS_READ"]'],
      '6:3: capabilities.0: capability "FS_READ": a folder like /projects/demo is meant (schema)',
    ],
  ])("%s", async (_, lines, message) => {
    const error = await ociErrorOf(() => read(withLines(...lines)));
    expect(error.message).toBe(`agent.json:${message}`);
  });
});

describe("refused as well", () => {
  const file = (more: Readonly<Record<string, unknown>>) =>
    read(JSON.stringify({ name: "n", version: "1.0.0", runtime: "native", entry: "e", ...more }));
  test.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ["no name", { name: undefined }, /^agent\.json:1:1: name: is missing/],
    ["a name with capitals", { name: "Worker" }, /name: a name has lower-case letters/],
    ["a name that no agent could have", { name: "a".repeat(32) }, /name: a name has 31 characters/],
    ["a name that is a path", { name: "../worker" }, /name: a name has lower-case letters/],
    ["a version of two numbers", { version: "1.0" }, /version: not a version like 1\.2\.3/],
    ["no runtime", { runtime: undefined }, /runtime: not one of wasm, quickjs, native, host/],
    [
      "an unknown runtime",
      { runtime: "python" },
      /runtime: not one of wasm, quickjs, native, host/,
    ],
    ["no entry", { entry: undefined }, /entry: is missing/],
    ["a program of the host with a file", { runtime: "host", program: "p" }, /entry: unknown key/],
    ["an export of what has none", { export: "main" }, /export: unknown key/],
    [
      "arguments longer than a stack's room",
      { args: ["a".repeat(16_384)] },
      /have more than 16384/,
    ],
    ["too many arguments", { args: Array(257).fill("a") }, /args: too many arguments/],
  ])("%s", async (_, more, reason) => {
    expect((await ociErrorOf(() => file(more))).message).toMatch(reason);
  });

  test("what is no object, empty, not UTF-8 or too large", async () => {
    expect((await ociErrorOf(() => read("[]"))).message).toMatch(/^agent\.json:1:1: /);
    expect((await ociErrorOf(() => read(""))).message).toMatch(/^agent\.json:1:1: /);
    const wrong = await ociErrorOf(() => readAgentFile(Uint8Array.of(0xc3, 0x28), "agent.json"));
    expect(wrong.message).toBe("agent.json: not UTF-8 (json)");
    const large = await ociErrorOf(() => read(" ".repeat(65_537)));
    expect(large.message).toBe("agent.json: 65537 bytes; 65536 at most (json)");
  });
});

describe("a capability that the system doesn't understand is refused", () => {
  const wanting = (text: string) => () =>
    read(withLines(`"capabilities": [${JSON.stringify(text)}]`));
  test.each<[string, RegExp]>([
    ["", /it begins with one of FS_READ, /],
    ["fs_read:/a", /it begins with one of FS_READ, /],
    ["ROOT", /it begins with one of FS_READ, /],
    ["FS_READ", /a folder like \/projects\/demo is meant/],
    ["FS_READ:a", /a folder like \/projects\/demo is meant/],
    ["FS_READ:/a/../b", /a folder has no \. or \.\. in it/],
    [`FS_READ:/${"a".repeat(40)}`, /longer than 32 bytes/],
    ["IPC_SEND:a\nb", /a capability has a control character/],
    [`IPC_SEND:${"a".repeat(300)}`, /a capability has 256 characters at most/],
  ])("%j", async (text, reason) => {
    const error = await ociErrorOf(wanting(text));
    expect(error.message).toMatch(/^agent\.json:5:20: capabilities\.0: /);
    expect(error.message).toMatch(reason);
  });

  test("and any other is taken as it is", () => {
    for (const text of ["PROC_SPAWN", "FS_READ:/projects/demo", "NET_BIND:localhost", "FS_WRITE:/"])
      expect(wanting(text)().capabilities).toEqual([text]);
  });
});

test("limits are those of the kernel and of the orchestrator", () => {
  const kernel = (file: string) => (name: string) => {
    const text = readFileSync(file, "utf8");
    const [, value = ""] = new RegExp(`const ${name}: u(?:32|64) = ([^;]+);`).exec(text) ?? [];
    const [base = "", shift = "0"] = value.split("<<");
    return Number(base) * 2 ** Number(shift);
  };
  const limit = kernel("kernel/limits.ts");
  expect(media.CODE_BYTES_MAX).toBe(limit("IMAGE_PAGES_MAX") * 4096);
  expect(media.MEMORY_BYTES_MAX).toBe(limit("AGENT_BYTES_MAX"));
  expect(media.HANDLES_MAX).toBe(limit("CAPABILITIES_PER_AGENT_MAX"));
  expect(media.MESSAGES_MAX).toBe(limit("MAILBOX_MESSAGES_MAX"));
  const limits = { memory: media.MEMORY_BYTES_MIN, weight: media.WEIGHT_MAX };
  expect(Limits.parse(limits)).toMatchObject(limits);
  expect(Limits.safeParse({ ...limits, memory: limits.memory - 1 }).success).toBe(false);
  expect(Name.parse("a".repeat(media.NAME_CHARACTERS_MAX))).toHaveLength(media.NAME_CHARACTERS_MAX);
  expect(media.WEIGHT_MAX).toBe(kernel("kernel/sched/entity.ts")("WEIGHT_MAX"));
  expect(media.STRINGS_MAX).toBe(elf.ARGUMENTS_MAX);
  expect(media.STRING_BYTES_MAX).toBe(elf.ARGUMENT_BYTES_MAX);
});
