import { expect, test } from "vitest";
import { parseCapability } from "./scope.ts";

test("a refusal says which capability is meant, and doesn't repeat all of one that is too long", () => {
  const text = `FS_READ:/${"a".repeat(1000)}`;
  const said = `capability "${text.slice(0, 64)}…": what it is about is longer than 32 bytes`;
  expect(() => parseCapability(text)).toThrow(new RegExp(`^${said}$`));
  expect(() => parseCapability("FS_READ:demo")).toThrow('capability "FS_READ:demo": a folder like');
});
