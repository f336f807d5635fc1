import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hostFolders } from "./host-folders.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "aios-mounts-")));
const state = join(folder, "home/state");
const shared = join(folder, "shared");
mkdirSync(state, { recursive: true });
mkdirSync(join(state, "objects"));
mkdirSync(shared);
writeFileSync(join(folder, "file"), "");
symlinkSync(join(folder, "home"), join(folder, "link"));
afterAll(() => rmSync(folder, { recursive: true }));

const mount = (host: string, at = "/shared") => ({ host, at, readOnly: true });

test("folders of the host have absolute paths, wherever the command was given", () => {
  const relative = join(process.cwd(), "services");
  expect(hostFolders([mount(shared), mount("services", "/code/services")], state)).toEqual([
    mount(shared),
    mount(relative, "/code/services"),
  ]);
});

test.each([
  ["what isn't there", [mount(join(folder, "none"))], "there is no such folder"],
  ["a file", [mount(join(folder, "file"))], "there is no such folder"],
  ["a name that no capability has", [mount(shared, "/a/../b")], "a folder like /projects/demo"],
  ["a name that is too long", [mount(shared, `/${"a".repeat(40)}`)], "longer than a capability"],
  ["all of the tree", [mount(shared, "/")], "a folder below / is meant"],
  ["one place for two", [mount(shared), mount(folder)], "there are two at /shared"],
  ["what the state directory is in", [mount(join(folder, "home"))], "is nothing for agents"],
  ["a link to that", [mount(join(folder, "link"))], "is nothing for agents"],
  ["the state directory", [mount(state)], "is nothing for agents"],
  ["a part of it", [mount(join(state, "objects"))], "is nothing for agents"],
  ["all of the host", [mount("/")], "is nothing for agents"],
])("a mount of %s is refused by its name", (_, mounts, why) => {
  const { host, at } = mounts.at(-1) ?? mount("");
  expect(() => hostFolders(mounts, state)).toThrow(`mount ${host}:${at}: `);
  expect(() => hostFolders(mounts, state)).toThrow(why);
});
