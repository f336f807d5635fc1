import { expect, test } from "vitest";
import { parseDrive } from "./drive.ts";

const DEFAULTS = { interface: "nvme", blockBytes: 512, readOnly: false, overlay: false };

test("a plain path is an NVMe drive that is written in place", () => {
  expect(parseDrive("disk.img")).toEqual({ ...DEFAULTS, file: "disk.img" });
});

test("options are QEMU's, in any order, after a path or with file=", () => {
  const expected = {
    file: "d.img",
    interface: "ahci",
    blockBytes: 4096,
    readOnly: true,
    overlay: true,
  };
  const options = "if=ahci,logical_block_size=4096,readonly=on,snapshot=on,format=raw";
  expect(parseDrive(`d.img,${options}`)).toEqual(expected);
  expect(parseDrive(`${options},file=d.img`)).toEqual(expected);
});

test("a doubled comma is part of the name", () => {
  expect(parseDrive("a,,b.img,readonly")).toEqual({ ...DEFAULTS, file: "a,b.img", readOnly: true });
});

test.each([
  ["readonly=on", "names no file"],
  ["d.img,if=floppy", "if=floppy: if is one of nvme, ahci, sata"],
  ["d.img,format=qcow2", "format=qcow2: format is one of raw"],
  ["d.img,readonly=maybe", "readonly is one of on, off"],
  ["d.img,cache=none", "cache is not an option of a drive"],
  ["d.img,readonly=on,readonly=off", "readonly is given twice"],
  ["d.img,if=toString", "if is one of"],
])("%s is refused: %s", (text, message) => {
  expect(() => parseDrive(text)).toThrow(message);
});
