import { expect, test } from "vitest";
import type { z } from "zod";
import { API, type MethodName } from "./api.ts";
import { problemLine } from "./issues.ts";

const said = (method: MethodName, params: unknown): string => {
  const { error } = (API[method].params as z.ZodObject).safeParse(params);
  return error ? problemLine(error, params) : "";
};
const run = (more: object) => ({ image: "i", ...more });
const named = { name: "a", project: "p" };
const text = (characters: number) => "x".repeat(characters);

test.each<[string, MethodName, unknown]>([
  ["image: is missing", "agent.run", {}],
  ["image: not a string", "agent.run", { image: 7 }],
  ["image: less than 1 characters", "agent.run", { image: "" }],
  ["image: more than 200 characters", "agent.run", { image: text(201) }],
  ["args: not an array", "agent.run", run({ args: "-v" })],
  ["args.1: not a string", "agent.run", run({ args: ["-v", null] })],
  ["args: more than 256 elements", "agent.run", run({ args: Array(257).fill("") })],
  ["limits.memory: less than 64 KiB", "agent.run", run({ limits: { memory: 1 } })],
  ["stdin: not a boolean", "agent.run", run({ stdin: "yes" })],
  ["limits.memroy: unknown key", "agent.run", run({ limits: { memroy: 1 } })],
  ["restart.polcy: unknown key", "agent.run", run({ restart: { polcy: "always" } })],
  ["restart.pause: less than 0.01", "agent.run", run({ restart: { pause: 0 } })],
  ["restart: no, always or on-failure, with :LIMIT", "agent.run", run({ restart: "x" })],
  ["parameters: not an object", "agent.run", []],
  ["grace: more than 300", "agent.kill", { ...named, grace: 301 }],
  ["grace: less than 0", "agent.kill", { ...named, grace: -1 }],
  ["code: not a whole number", "agent.kill", { ...named, code: 1.5 }],
  ["data: not base64", "agent.input", { ...named, data: "*" }],
  ["from: not a number", "agent.logs", { ...named, from: "x" }],
  ["project: is missing", "project.apply", {}],
  ["agents.a.image: is missing", "project.apply", { project: "p", agents: { a: {} } }],
  [
    "agents.a.imag: unknown key",
    "project.apply",
    { project: "p", agents: { a: { image: "i", imag: "" } } },
  ],
  [
    "agents.a.dependsOn.b: not one of started, healthy",
    "project.apply",
    { project: "p", agents: { a: { image: "i", dependsOn: { b: "ready" } } } },
  ],
])("%s, is said of what %s was asked", (line, method, params) => {
  expect(said(method, params)).toBe(line);
});

test("nothing that a client can get wrong is told in the words of the library", () => {
  const wrong = [
    undefined,
    null,
    7,
    -1,
    1.5,
    "",
    "?",
    text(5000),
    [],
    [null],
    {},
    { a: null },
    true,
  ];
  for (const [method, { params }] of Object.entries(API))
    for (const member of Object.keys((params as z.ZodObject).shape))
      for (const value of wrong)
        expect(said(method as MethodName, { [member]: value })).not.toMatch(
          /Invalid |Too |expected/,
        );
});
