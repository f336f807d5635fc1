import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine } from "../machine.ts";
import { bytesOf } from "../testing/workload.ts";
import { fileDrive } from "./file.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function imageFile(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, bytesOf(200_000 - (200_000 % 512)));
  return path;
}

const create = (drive: ReturnType<typeof fileDrive>) =>
  Machine.create({ memory: 2 ** 21, start: false, drives: [drive] });

test("a missing, empty or improper file is refused by its name", () => {
  const empty = join(folder, "empty");
  writeFileSync(empty, "");
  for (const [path, code] of [
    [join(folder, "missing"), "drive-missing"],
    [join(empty, "below"), "drive-missing"],
    [empty, "drive-empty"],
    [folder, "drive-not-a-file"],
  ] as const)
    expect(() => fileDrive(path)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(path) }),
    );
});

test("reads see the file, writes go to it", async () => {
  const path = imageFile("through.img");
  const [drive] = (await create(fileDrive(path))).drives;
  const read = new Uint8Array(1000);
  drive?.read(65_000, read);
  expect(read).toEqual(bytesOf(200_000).slice(65_000, 66_000));
  drive?.write(65_530, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  drive?.flush();
  expect([...readFileSync(path).subarray(65_530, 65_538)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("with an overlay, or read-only, the file stays as it was and the machine can be copied", async () => {
  const path = imageFile("overlay.img");
  const before = readFileSync(path);
  const machine = await create(fileDrive(path, { overlay: true }));
  machine.drives[0]?.write(0, Uint8Array.of(9, 9, 9));
  const child = machine.fork();
  child.drives[0]?.write(3, Uint8Array.of(8));
  expect([...(machine.drives[0]?.image().subarray(0, 3) ?? [])]).toEqual([9, 9, 9]);
  expect(child.drives[0]?.image()[3]).toBe(8);
  expect(machine.drives[0]?.image()[3]).toBe(before[3]);
  expect(readFileSync(path).equals(before)).toBe(true);
  (await create(fileDrive(path, { readOnly: true }))).snapshot();
});

test("a file that shrinks under the machine is a medium error, not a crash", async () => {
  const path = imageFile("shrinks.img");
  const machine = await create(fileDrive(path, { readOnly: true }));
  truncateSync(path, 1000);
  expect(() => machine.drives[0]?.read(150_000, new Uint8Array(512))).toThrow(
    /the file ends at 131072/,
  );
});
