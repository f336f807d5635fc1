import { describe, expect, test } from "vitest";
import { API } from "../../../services/messages/api.ts";
import { HABITS } from "../habits.ts";
import { systemCommands } from "./commands.ts";
import { actsOf, SPECS } from "./specs.ts";
import { tableLines } from "./table.ts";
import {
  bytes,
  parseHostFolder,
  parseMoment,
  parseMount,
  parseShare,
  parseSpan,
  percent,
  span,
} from "./units.ts";

describe("the table of commands", () => {
  const commands = systemCommands();
  test.each(commands.map((it) => [it.name(), it] as const))(
    "aios %s --help has an example and the exit statuses",
    (name, command) => {
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      expect(help).toMatch(new RegExp(`\\nExamples:\\n {2}.*aios ${name}\\b`));
      expect(help).toContain("Exit status:");
      for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    },
  );

  test("-p is an option of commands to which a project means something", () => {
    const takes = (name: string) =>
      commands.find((it) => it.name() === name)?.options.some(({ long }) => long === "--project");
    for (const name of ["images", "load", "rmi", "apply", "projects", "tokens", "status"])
      expect(takes(name), name).toBe(false);
    for (const name of ["run", "ps", "logs", "jobs", "events", "shell"])
      expect(takes(name), name).toBe(true);
  });

  test("each command has somebody who does it", async () => {
    for (const [name, { group }] of Object.entries(SPECS))
      expect(Object.keys(await actsOf(group)), name).toContain(name);
  });

  test("each example is a command that its options take", () => {
    for (const [name, { examples }] of Object.entries(SPECS))
      for (const example of examples) {
        const words = example.split(/[|&]/).map((part) => part.trim().split(/\s+/));
        const [, , ...given] =
          words.find(([program, it]) => program === "aios" && it === name) ?? [];
        const command = commands.find((it) => it.name() === name);
        expect(() => command?.exitOverride().parseOptions(given), example).not.toThrow();
      }
  });

  test("what has another name elsewhere is one of them, under the name that it has here", () => {
    const known = [...commands.map((it) => it.name()), "image", "--version"];
    for (const [word, here] of Object.entries(HABITS)) {
      expect(known, word).not.toContain(word);
      expect(known, word).toContain(here.split(/[ ,]/)[0]);
    }
  });

  test("what clients can ask of agents there is a command for", () => {
    const words = Object.keys(SPECS).join(" ");
    const verbs: Readonly<Record<string, string>> = {
      list: "ps",
      remove: "rm",
      grant: "caps",
      revoke: "caps",
      input: "run",
    };
    for (const method of Object.keys(API).filter((it) => it.startsWith("agent."))) {
      const verb = method.slice("agent.".length);
      expect(words).toContain(verbs[verb] ?? verb);
    }
    for (const [, kind = ""] of Object.keys(API).map(
      (method) => /^(\w+)\.list$/.exec(method) ?? [],
    ))
      if (kind !== "agent" && kind !== "") expect(words).toContain(`${kind}s`);
  });
});

describe("units", () => {
  test("spans are in the unit that needs few digits, as kubectl has them", () => {
    const shown = [-1, 0, 119.9, 120, 7199, 7200, 172_799, 172_800].map(span);
    expect(shown).toEqual(["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
  });

  test("a mount is two folders, and what may be done there", () => {
    const [one, two] = parseMount("/b:/data:ro", parseMount("/a:/in:rw"));
    expect([one, two]).toEqual([
      { source: "/a", target: "/in", readOnly: false },
      { source: "/b", target: "/data", readOnly: true },
    ]);
    for (const text of ["", "/a", "/a:", "a:/b", "/a:b", "/a:/b:x", "/a:/b:ro:ro"])
      expect(() => parseMount(text), text).toThrow("no mount like");
  });

  test("a folder of the host has a place among the files, and is read-only or not", () => {
    expect(parseHostFolder("./d:/a:ro", parseHostFolder("/c:/b"))).toEqual([
      { host: "/c", at: "/b", readOnly: false },
      { host: "./d", at: "/a", readOnly: true },
    ]);
    for (const text of ["", "/a", "/a:", ":/b", "/a:b", "/a:/b:x"])
      expect(() => parseHostFolder(text), text).toThrow("no mount like");
  });

  test("sizes have three digits and a binary unit", () => {
    const shown = [0, 999, 1000, 2 ** 20, 12.34 * 2 ** 20, 64 * 2 ** 20, 999 * 2 ** 30].map(bytes);
    expect(shown).toEqual(["0B", "999B", "0.98KiB", "1.00MiB", "12.3MiB", "64.0MiB", "999GiB"]);
  });

  test("shares are percent or fractions, of one CPU", () => {
    expect(["20%", "0.2", "100%", ".5"].map(parseShare)).toEqual([0.2, 0.2, 1, 0.5]);
    for (const wrong of ["0", "101%", "1.5", "-1", "x", ""])
      expect(() => parseShare(wrong)).toThrow();
    expect(percent(0.1234)).toBe("12.3%");
  });

  test("spans are a number and a unit", () => {
    expect(["90s", "1.5m", "2h", "30d"].map(parseSpan)).toEqual([90, 90, 7200, 2_592_000]);
    for (const wrong of ["", "10", "1w", "-1s"]) expect(() => parseSpan(wrong)).toThrow("no time");
  });

  test("moments are ago or RFC 3339", () => {
    expect(Date.now() / 1000 - parseMoment("10m")).toBeCloseTo(600, 0);
    expect(parseMoment("2026-01-31T12:00:00Z")).toBe(1_769_860_800);
    for (const wrong of ["10", "yesterday", "", "m"])
      expect(() => parseMoment(wrong)).toThrow("ago");
  });
});

describe("tables", () => {
  const columns = [
    { title: "NAME", of: ({ name }: { name: string }) => name },
    { title: "SIZE", of: () => "5", right: true },
    { title: "LAST", of: () => "end" },
  ];

  test("columns are as wide as what is in them, and no line ends with spaces", () => {
    const lines = tableLines([{ name: "a" }, { name: "longer-name" }], columns);
    expect(lines).toEqual([
      "NAME         SIZE  LAST",
      "a               5  end",
      "longer-name     5  end",
    ]);
  });

  test("on a narrow terminal the widest column gives way", () => {
    const lines = tableLines([{ name: "a-name-that-is-too-long" }], columns, 24);
    expect(lines[1]).toBe("a-name-that…     5  end");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(24);
  });

  test("what an agent calls itself can't move the cursor", () => {
    expect(tableLines([{ name: "\x1b[2Jx\n" }], columns)[1]).toMatch(/^\\x1b\[2Jx\\x0a /);
  });
});
