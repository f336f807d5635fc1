import { afterEach, expect, test, vi } from "vitest";
import { findTool, requireFile, requireTool } from "./tools.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a tool is found on the PATH, the first folder first", () => {
  vi.stubEnv("PATH", "/nowhere:/bin:/usr/bin");
  expect(findTool("sh")).toBe("/bin/sh");
});

test("an administrators' tool is found without its folder on the PATH", () => {
  const name = "ldconfig";
  vi.stubEnv("CI", "false");
  const path = requireTool(name);
  vi.stubEnv("PATH", "");
  expect(findTool(name)?.endsWith(`sbin/${name}`)).toBe(true);
  expect(path.endsWith(name)).toBe(true);
});

test("a folder or a plain file is not taken for a tool", () => {
  vi.stubEnv("PATH", "/etc:/");
  expect(findTool("passwd")).toBeNull();
  expect(findTool("etc")).toBeNull();
});

test("with CI=true a missing tool fails the test that asked for it", () => {
  vi.stubEnv("CI", "true");
  expect(() => requireTool("no-such-tool")).toThrow("no-such-tool is not installed");
  expect(() => requireFile("/no/such/file")).toThrow("/no/such/file is not installed");
});
