import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildBootImage, LINUX_FILESYSTEM_GUID, writeGpt } from "../image/index.ts";
import { runTool, temporaryFolder } from "../image/testing.ts";
import { diskCommand } from "./disk.ts";
import { runCommand } from "./testing.ts";

const MIB = 1024 * 1024;

const run = (...args: string[]) => runCommand(diskCommand(), args);

/** A folder with two files in it, and a function for paths in it. */
function workFolder() {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeFileSync(at("init"), "first agent");
  writeFileSync(at("limits"), "1 GiB");
  return { folder, at };
}

describe("aios disk build", () => {
  test("writes the image that the library builds", async () => {
    const { at } = workFolder();
    const more = ["--entry", `etc/limits=${at("limits")}`, "--size", "4M", "--block-size", "4096"];
    const data = ["--data-size", "1M", "--seed", "s"];
    expect(await run("build", at("disk.img"), at("init"), ...more, ...data)).toEqual({
      status: 0,
      out: "",
      err: "",
    });
    const expected = await buildBootImage({
      entries: [
        { name: "init", data: Buffer.from("first agent") },
        { name: "etc/limits", data: Buffer.from("1 GiB") },
      ],
      bytes: 4 * MIB,
      blockBytes: 4096,
      dataBytes: MIB,
      seed: "s",
    });
    expect(readFileSync(at("disk.img")).equals(expected)).toBe(true);
  });

  test("replaces an older image as a whole, through a link as well", async () => {
    const { folder, at } = workFolder();
    writeFileSync(at("disk.img"), "old");
    symlinkSync("disk.img", at("link.img"));
    expect((await run("build", at("link.img"), at("init"))).status).toBe(0);
    expect(readFileSync(at("disk.img"))).toHaveLength(3 * MIB);
    expect(readdirSync(folder).toSorted()).toEqual(["disk.img", "init", "limits", "link.img"]);
  });

  test("makes an image without files, for a boot that finds none", async () => {
    const { at } = workFolder();
    expect((await run("build", at("disk.img"))).status).toBe(0);
    expect((await run("inspect", at("disk.img"))).out).toContain("0 entries");
  });

  test.each<[string, string[], RegExp]>([
    ["a file that is missing", ["none"], /none: ENOENT: no such file or directory$/],
    ["a folder", ["folder"], /folder: not a regular file$/],
    ["a device", ["/dev/zero"], /\/dev\/zero: not a regular file$/],
    ["two files of one name", ["init", "folder/init"], /two entries are named "init"/],
    ["a reserved name", ["--entry", "SHA256SUMS=init"], /"SHA256SUMS" is reserved/],
    ["a name that leads outside", ["--entry", "../x=init"], /component "\.\."/],
    ["an entry without a name", ["--entry", "init"], /needs name=path/],
    ["an entry with an empty path", ["--entry", "x="], /needs name=path/],
    ["too small a size", ["init", "--size", "1M"], /too small, this content needs 2\d{6}/],
    ["a size that is none", ["--size", "lots"], /"lots" is not a number/],
    ["a size of odd bytes", ["--size", "3000001"], /not whole blocks of 512 bytes/],
    ["a size that is too large", ["--size", "1T"], /the image has 0 to \d+ bytes/],
    ["another block size", ["--block-size", "1024"], /512 or 4096/],
    ["more than a bundle holds", ["large"], /large: has 67108865 bytes, more than 67108864$/],
    ["an option that is none", ["--bock-size", "512"], /unknown option/],
  ])("refuses %s in one line, with status 2, and writes nothing", async (_, args, reason) => {
    const { folder, at } = workFolder();
    mkdirSync(at("folder"));
    writeFileSync(at("folder/init"), "");
    writeFileSync(at("large"), "");
    truncateSync(at("large"), 64 * MIB + 1);
    const before = readdirSync(folder);
    const paths = args.map((arg) =>
      arg.startsWith("-") || arg.startsWith("/") || /^(lots|\d+[MT]?)$/.test(arg)
        ? arg
        : arg.replace(/(init|none|folder|large)/, (name) => at(name)),
    );
    const { status, out, err } = await run("build", at("disk.img"), ...paths);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    const [line = "", ...rest] = err.trimEnd().split("\n");
    expect(line).toMatch(/^error: /);
    expect(line).toMatch(reason);
    // Commander may add a suggestion in brackets to a misspelled option.
    expect(rest.every((text) => text.startsWith("(Did you mean"))).toBe(true);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("leaves what was there, and nothing else, when the output cannot be written", async () => {
    const { folder, at } = workFolder();
    mkdirSync(at("disk.img"));
    const taken = await run("build", at("disk.img"), at("init"));
    expect(taken).toMatchObject({ status: 2, err: expect.stringContaining("not a regular file") });
    const nowhere = await run("build", at("no/disk.img"), at("init"));
    expect(nowhere).toMatchObject({ status: 2, err: expect.stringContaining("ENOENT") });
    expect(readdirSync(folder).toSorted()).toEqual(["disk.img", "init", "limits"]);
  });
});

describe("aios disk inspect", () => {
  async function builtImage() {
    const { folder, at } = workFolder();
    await run("build", at("disk.img"), at("init"), at("limits"));
    return { folder, at, path: at("disk.img"), image: readFileSync(at("disk.img")) };
  }

  test("shows partitions, and entries as sha256sum does", async () => {
    const { folder, path } = await builtImage();
    const { status, out, err } = await run("inspect", path);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const sums = runTool("sha256sum", ["init", "limits"], { cwd: folder }).toString();
    for (const line of sums.trim().split("\n")) expect(out).toContain(`  ${line}  `);
    expect(out).toMatch(/1: blocks 2048 to 4095 {2}aios-boot\n/);
  });

  test("prints JSON that agrees with sfdisk's", async () => {
    const { path } = await builtImage();
    const { status, out } = await run("inspect", "--json", path);
    const ours = JSON.parse(out);
    const theirs = JSON.parse(runTool("sfdisk", ["--json", path]).toString()).partitiontable;
    expect(status).toBe(0);
    expect(ours.diskGuid).toBe(theirs.id.toLowerCase());
    expect(ours).toMatchObject({ blockBytes: 512, table: "primary", bytes: 3 * MIB });
    expect(ours.partitions[0].firstLba).toBe(theirs.partitions[0].start);
    expect(ours.bundle.entries).toMatchObject([
      { name: "init", bytes: 11 },
      { name: "limits", bytes: 5 },
    ]);
    expect(ours).toMatchObject({ primaryError: null, backupError: null, bundleError: null });
  });

  test("finds 4096-byte blocks by itself", async () => {
    const { at } = workFolder();
    await run("build", at("disk.img"), at("init"), "--block-size", "4096");
    const { out } = await run("inspect", "--json", at("disk.img"));
    expect(JSON.parse(out)).toMatchObject({ blockBytes: 4096, bundle: { entries: [{}] } });
  });

  test("uses the backup table when the primary is bad, and says so, with status 0", async () => {
    const { path, image } = await builtImage();
    image[512 + 20] = 1;
    writeFileSync(path, image);
    const { status, out } = await run("inspect", path);
    expect(status).toBe(0);
    expect(out).toContain("read from the backup table");
    expect(out).toMatch(/primary table: .*CRC.*\(gpt-header-crc at LBA 1, byte 528\)/);
  });

  test("shows the partitions of an image with a bad bundle, and ends with status 2", async () => {
    const { path, image } = await builtImage();
    image[image.indexOf("first agent")] = 0;
    writeFileSync(path, image);
    const { status, out, err } = await run("inspect", "--json", path);
    expect(status).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ bundle: null, bundleError: { code: "bundle-digest" } });
    expect(err).toMatch(/^error: .*disk\.img: init has digest .*\(bundle-digest at byte \d+\)\n$/);
  });

  test("reads a large sparse image of others without a bundle, with status 0", async () => {
    const { at } = workFolder();
    writeFileSync(at("large.img"), "");
    truncateSync(at("large.img"), 40 * 1024 * MIB);
    runTool("sfdisk", ["-q", at("large.img")], { input: "label: gpt\nname=all\n" });
    const { status, out } = await run("inspect", at("large.img"));
    expect(status).toBe(0);
    expect(out).toContain("No boot bundle");
  });

  test("keeps control characters of names away from the terminal", async () => {
    const { at } = workFolder();
    const image = new Uint8Array(4 * MIB);
    const diskGuid = "00000000-0000-4000-8000-000000000001";
    const guid = "00000000-0000-4000-8000-000000000002";
    const partition = { type: LINUX_FILESYSTEM_GUID, guid, name: "a\u001b[2Jb", blocks: 8 };
    writeGpt(image, { diskGuid, partitions: [partition] });
    writeFileSync(at("evil.img"), image);
    expect((await run("inspect", at("evil.img"))).out).toContain("a\ufffd[2Jb");
  });

  test.each<[string, (path: string) => void, RegExp]>([
    ["missing", () => undefined, /ENOENT/],
    ["empty", (path) => writeFileSync(path, ""), /0 bytes are too few .*image-truncated/],
    ["a folder", (path) => mkdirSync(path), /not a regular file/],
    [
      "no disk",
      (path) => writeFileSync(path, "x".repeat(8192)),
      /mbr-signature at LBA 0, byte 510/,
    ],
  ])("refuses an image that is %s in one line, with status 2", async (_, make, reason) => {
    const { at } = workFolder();
    make(at("bad.img"));
    const { status, out, err } = await run("inspect", at("bad.img"));
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(/^error: [^\n]*bad\.img: [^\n]*\n$/);
    expect(err).toMatch(reason);
  });
});

test("a real process ends with the same statuses", () => {
  const { folder, at } = workFolder();
  const script = `import { diskCommand } from ${JSON.stringify(import.meta.resolve("./disk.ts"))};
    await diskCommand().parseAsync(process.argv.slice(2), { from: "user" });`;
  writeFileSync(at("main.mts"), script);
  const tsx = import.meta.resolve("tsx");
  const status = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", tsx, at("main.mts"), ...args], { cwd: folder }).status;
  expect(status("build", "disk.img", "init")).toBe(0);
  expect(existsSync(at("disk.img"))).toBe(true);
  expect(status("inspect", "init")).toBe(2);
  expect(status("build")).toBe(2);
});
