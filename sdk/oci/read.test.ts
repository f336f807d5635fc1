import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { programNumber } from "../../sim/host/programs.ts";
import { RUNTIME_HOST } from "../../sim/spec/user.ts";
import { imageSource } from "../image/source.ts";
import { runTool, temporaryFolder } from "../image/testing.ts";
import { OciError } from "./errors.ts";
import { canonicalJson } from "./json.ts";
import { CONFIG_TYPE, INDEX_FILE, LAYOUT_FILE } from "./media.ts";
import { readImage, verifyImage } from "./read.ts";
import { readTar } from "./tar-read.ts";
import { writeTar } from "./tar-write.ts";
import { agentFile, build, CODE, MODULE, ociErrorOf } from "./testing.ts";
import { blobPath, digestOf } from "./write.ts";

type Files = Map<string, Uint8Array>;
// biome-ignore lint/suspicious/noExplicitAny: documents that are made wrong on purpose have no type
type Loose = any;

const built = await build(agentFile({ capabilities: ["FS_READ:/projects/demo"] }), undefined, {
  tag: "1.0.0",
});
const bytes = (text: string) => new TextEncoder().encode(text);
const json = (data: Uint8Array | undefined): Loose => JSON.parse(new TextDecoder().decode(data));

function filesOf(archive: Uint8Array): Files {
  const files = readTar(imageSource(archive), { bytes: 1 << 20, entries: 64 });
  return new Map(files.map(({ name, at, bytes: size }) => [name, archive.slice(at, at + size)]));
}

async function addBlob(files: Files, data: Uint8Array) {
  const digest = await digestOf(data);
  files.set(blobPath(digest), data);
  return { digest, size: data.length };
}

interface Parts {
  index: Loose;
  manifest: Loose;
  config: Loose;
  files: Files;
}

/** The image with parts changed and all digests made right again: what a tool of an attacker writes. */
async function remade(
  change: (parts: Parts) => void | Promise<void>,
  text: (value: Loose) => string = canonicalJson,
): Promise<Uint8Array> {
  const old = filesOf(built.archive);
  const index = json(old.get(INDEX_FILE));
  const manifest = json(old.get(blobPath(index.manifests[0].digest)));
  const config = json(old.get(blobPath(manifest.config.digest)));
  const files: Files = new Map([[LAYOUT_FILE, old.get(LAYOUT_FILE) ?? bytes("")]]);
  files.set(blobPath(manifest.layers[0].digest), MODULE);
  const parts = { index, manifest, config, files };
  await change(parts);
  Object.assign(manifest.config, await addBlob(files, bytes(text(config))));
  Object.assign(index.manifests[0], await addBlob(files, bytes(canonicalJson(manifest))));
  files.set(INDEX_FILE, bytes(canonicalJson(index)));
  return writeTar(files);
}

describe("an image", () => {
  test("is read back as it was built", async () => {
    const image = await verifyImage(built.archive);
    expect(image).toMatchObject({ digest: built.digest, tag: "1.0.0", config: built.config });
    expect(image.code).toEqual(MODULE);
    expect(image.codeDigest).toBe(await digestOf(image.kernelImage));
  });

  test("is the same when it is put together again: nothing of the tests' own matters", async () => {
    expect(await remade(() => undefined)).toEqual(built.archive);
  });

  test("is copied by skopeo, which checks each digest, and is the same image then", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a.tar"), built.archive);
    const raw = runTool("skopeo", ["inspect", "--raw", "oci-archive:a.tar"], { cwd: folder });
    expect(await digestOf(raw)).toBe(built.digest);
    runTool("skopeo", ["copy", "-q", "oci-archive:a.tar", "oci:copy:1.0.0"], { cwd: folder });
    const copy = new Uint8Array(runTool("tar", ["-c", "-C", "copy", "."], { cwd: folder }));
    expect(await verifyImage(copy)).toEqual(await verifyImage(built.archive));
    runTool("skopeo", ["copy", "-q", "oci-archive:a.tar", "oci-archive:b.tar:x"], { cwd: folder });
    expect(readdirSync(folder).sort()).toEqual(["a.tar", "b.tar", "copy"]);
  });

  /** What the kernel gets of code that isn't machine code, from its description (kernel/agent/image_format.ts). */
  const naming = async (program: string, code: Uint8Array, entry: string) => {
    const sha256 = (of: string | Uint8Array) => createHash("sha256").update(of).digest();
    const named = `sha256:${sha256(code).toString("hex")}\n${entry}`;
    const header = Buffer.alloc(64);
    header.write("AIOSIMG1");
    header.writeUInt32LE(RUNTIME_HOST, 8);
    header.writeUInt32LE(programNumber(program), 12);
    sha256(named).copy(header, 24);
    return new Uint8Array(header);
  };

  test.each(["quickjs", "native"] as const)("of runtime %s is read back", async (runtime) => {
    const entry = "code.js";
    const { archive } = await build(agentFile({ runtime, entry }), { [entry]: CODE[runtime] });
    const image = await verifyImage(archive);
    expect(image.code).toEqual(CODE[runtime]);
    if (runtime === "native") expect(image.kernelImage).toEqual(image.code);
    else expect(image.kernelImage).toEqual(await naming("quickjs", image.code, entry));
  });

  test("of a host's program has its name and no code", async () => {
    const file = agentFile({ runtime: "host", entry: undefined, program: "gateway" });
    const image = await verifyImage((await build(file, {})).archive);
    expect(image).toMatchObject({ code: new Uint8Array(), config: { entry: "gateway" } });
    const other = agentFile({ runtime: "host", entry: undefined, program: "logs" });
    expect((await build(other, {})).config.codeDigest).not.toBe(image.codeDigest);
  });
});

describe("refused with place and reason", () => {
  const manifestAt = blobPath(built.digest);
  const layer = ({ manifest }: Parts) => manifest.layers[0];
  const cases: readonly [string, (parts: Parts) => void | Promise<void>, RegExp][] = [
    [
      "no layout file",
      ({ files }) => void files.delete(LAYOUT_FILE),
      /^oci-layout: .* isn't there/,
    ],
    [
      "a layout of another version",
      ({ files }) => void files.set(LAYOUT_FILE, bytes('{"imageLayoutVersion":"2.0.0"}')),
      /^oci-layout:1:23: imageLayoutVersion: not version 1\.0\.0 \(schema\)/,
    ],
    [
      "several manifests",
      ({ index }) => void index.manifests.push(index.manifests[0]),
      /^index\.json:1:\d+: manifests: several manifests/,
    ],
    [
      "an index in the index",
      ({ index }) => {
        index.manifests[0].mediaType = "application/vnd.oci.image.index.v1+json";
      },
      /^index\.json: manifests\.0: .*media-type/,
    ],
    [
      "an image of something else",
      ({ manifest }) => {
        manifest.artifactType = "application/vnd.example";
      },
      /artifactType: not application\/vnd\.aios\.agent\.v1/,
    ],
    [
      "a configuration of a container",
      ({ manifest }) => {
        manifest.config.mediaType = CONFIG_TYPE.replace("aios.agent", "oci.image");
      },
      /config\.mediaType: not application\/vnd\.aios\.agent\.config/,
    ],
    [
      "no layer",
      ({ manifest }) => {
        manifest.layers = [];
      },
      /layers: there is no layer/,
    ],
    [
      "several layers",
      ({ manifest }) => void manifest.layers.push(manifest.layers[0]),
      /layers: several layers/,
    ],
    [
      "compressed code",
      (parts) => {
        layer(parts).mediaType += "+gzip";
      },
      /layers\.0: "application\/wasm\+gzip", not application\/wasm; code isn't compressed/,
    ],
    [
      "code of another runtime",
      ({ config }) => {
        config.runtime = "quickjs";
      },
      /layers\.0: "application\/wasm", not text\/javascript \(media-type\)/,
    ],
    [
      "a digest of another kind",
      (parts) => {
        layer(parts).digest = `sha512:${"0".repeat(128)}`;
      },
      /layers\.0\.digest: not sha256:/,
    ],
    [
      "a digest that leads elsewhere",
      (parts) => {
        layer(parts).digest = `sha256:../../../${"0".repeat(55)}`;
      },
      /layers\.0\.digest: not sha256:/,
    ],
    [
      "a blob that isn't there",
      (parts) => {
        layer(parts).digest = `sha256:${"0".repeat(64)}`;
      },
      /^blobs\/sha256\/0{64}: the code isn't there \(missing\)/,
    ],
    [
      "a blob of another size",
      (parts) => {
        layer(parts).size += 1;
      },
      /the code has \d+ by its descriptor \(size\)/,
    ],
    [
      "a blob that nobody names",
      ({ files }) => addBlob(files, bytes("payload")).then(() => undefined),
      /^blobs\/sha256\/[0-9a-f]{64}: nothing refers to this blob \(surplus\)/,
    ],
    [
      "a file that is no part of a layout",
      ({ files }) => void files.set("install.sh", bytes("rm -rf /")),
      /^byte \d+: "install\.sh" is no part of an image \(surplus\)/,
    ],
    [
      "a configuration with more in it",
      ({ config }) => {
        config.privileged = true;
      },
      /privileged: unknown key/,
    ],
    [
      "a capability that is none",
      ({ config }) => {
        config.capabilities = ["FS_READ:/projects/../etc"];
      },
      /capabilities\.0: capability "FS_READ:\/projects\/\.\.\/etc": a folder has no \. or \.\. in it/,
    ],
    [
      "a limit beyond all limits",
      ({ config }) => {
        config.limits = { memory: 2 ** 40 };
      },
      /limits\.memory: more than 1073741824/,
    ],
    [
      "another digest of the code than the kernel will record",
      ({ config }) => {
        config.codeDigest = `sha256:${"a".repeat(64)}`;
      },
      /codeDigest: says sha256:a{64}; the kernel will record sha256:/,
    ],
  ];
  test.each(cases)("%s", async (_, change, reason) => {
    const archive = await remade(change);
    expect((await ociErrorOf(() => readImage(archive))).message).toMatch(reason);
  });

  test("a configuration in another spelling", async () => {
    const spaced = await remade(
      () => undefined,
      (value) => JSON.stringify(value, null, 1),
    );
    expect((await ociErrorOf(() => readImage(spaced))).message).toMatch(/not in canonical form/);
    const twice = await remade(
      () => undefined,
      (value) => canonicalJson(value).replace('{"arg', '{"name":"other","arg'),
    );
    expect((await ociErrorOf(() => readImage(twice))).message).toMatch(
      /"name" is there twice \(json\)/,
    );
  });

  test("code that was changed after its digest was taken", async () => {
    const files = filesOf(built.archive);
    const name = blobPath(await digestOf(MODULE));
    const changed = MODULE.slice();
    changed[changed.length - 2] = 0x01;
    files.set(name, changed);
    const error = await ociErrorOf(() => readImage(writeTar(files)));
    expect(error).toMatchObject({ code: "digest", place: name });
    expect(error.message).toContain(await digestOf(changed));
  });

  test("a manifest that was changed", async () => {
    const files = filesOf(built.archive);
    files.set(
      manifestAt,
      bytes(new TextDecoder().decode(files.get(manifestAt)).replace("demo", "evil")),
    );
    const error = await ociErrorOf(() => readImage(writeTar(files)));
    expect(error).toMatchObject({ code: "digest", place: manifestAt });
  });

  test("documents that would exhaust a parser", async () => {
    for (const bomb of ["[".repeat(60_000), " ".repeat(70_000), `[${"[],".repeat(20_000)}[]]`]) {
      const files = filesOf(built.archive).set(INDEX_FILE, bytes(bomb));
      const error = await ociErrorOf(() => readImage(writeTar(files)));
      expect(error.place).toMatch(/^index\.json/);
    }
  });

  test("more bytes than a descriptor may ask for, before they are read", async () => {
    const files = filesOf(built.archive).set(INDEX_FILE, new Uint8Array(100_000));
    const archive = writeTar(files);
    const at = imageSource(archive);
    const read: number[] = [];
    const watched = {
      bytes: at.bytes,
      read: (from: number, length: number) => {
        read.push(length);
        return at.read(from, length);
      },
    };
    const error = await ociErrorOf(() => readImage(watched));
    expect(error.message).toMatch(/100000 bytes; the document has 65536 at most \(size\)/);
    expect(Math.max(...read)).toBeLessThanOrEqual(65_536);
  });

  test("code that verify finds can't run", async () => {
    const broken = MODULE.slice();
    broken[8] = 0x7f;
    const archive = await remade(async ({ files, manifest, config }) => {
      files.clear();
      files.set(LAYOUT_FILE, filesOf(built.archive).get(LAYOUT_FILE) ?? bytes(""));
      Object.assign(manifest.layers[0], await addBlob(files, broken));
      const { kernelImage } = await import("./code.ts");
      const code = await digestOf(broken);
      const forKernel = await kernelImage({ runtime: "wasm", entry: "_start", code }, broken);
      config.codeDigest = await digestOf(forKernel);
    });
    await readImage(archive);
    const error = await ociErrorOf(() => verifyImage(archive));
    expect(error).toMatchObject({ code: "code", place: blobPath(await digestOf(broken)) });
  });

  test("whatever byte is changed, it is refused or still the same agent", async () => {
    const place = fc.nat(built.archive.length - 1);
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = built.archive.slice();
        changed[at] = (changed[at] ?? 0) ^ mask;
        try {
          const image = await readImage(changed);
          expect(image.digest).toBe(built.digest);
        } catch (error) {
          if (!(error instanceof OciError)) throw error;
          expect(error.message).toMatch(/^[^\n]+ \([a-z-]+\)$/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("wherever it is cut off", async () => {
    for (let length = 0; length < built.archive.length; length += 61) {
      const error = await ociErrorOf(() => readImage(built.archive.subarray(0, length)));
      expect(error.code).toBe("tar");
    }
  });
});
