import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { agentImage } from "../../sdk/image/agent-image.ts";
import { elfFile } from "../../sdk/image/elf-write.ts";
import { RAM_BASE } from "../../sim/host/core.ts";
import { RIGHTS_ALL } from "../cap/rights.ts";
import { KIND_KERNEL } from "../object/kinds.ts";
import { INFO_BYTES, INFO_DIGEST } from "../syscall/layouts.ts";
import { type Actor, Life } from "../testing/life-host.ts";
import type { StatusName } from "../testing/world-host.ts";
import { ELF_POSITION_INDEPENDENT } from "./elf_errors.ts";

const PAGE = 4096;
const CODE = Uint8Array.of(0xeb, 0xfe);

let life: Life;
let init: Actor;
let kernel: number;

beforeEach(async () => {
  life = await Life.create({ ramBytes: 24 << 20 });
  init = life.init;
  const authority = Number(life.world.kernel.root.authorityAt(0).id);
  kernel = life.authority.root(init.id, authority, RIGHTS_ALL, KIND_KERNEL);
  init.memory;
});

/** An image of `bytes` bytes that has none yet. */
const begun = (bytes: number, maker = init, capability = kernel) =>
  maker.call("IMAGE_CREATE", capability, maker.pool, bytes);

/** Adds a file's bytes, `piece` at a time; the status of the last call. */
function append(image: number, file: Uint8Array, piece = PAGE, maker = init): StatusName {
  let status: StatusName = "OK";
  for (let at = 0; at < file.length && status === "OK"; at += piece) {
    const part = file.subarray(at, at + piece);
    const room = maker.bytes(0, PAGE);
    new Uint8Array(room.buffer, room.byteOffset, PAGE).set(part);
    status = maker.call("IMAGE_APPEND", image, maker.memory, part.length).status;
  }
  return status;
}

function sealed(file: Uint8Array, piece?: number): number {
  const image = begun(file.length).value;
  expect(append(image, file, piece)).toBe("OK");
  expect(init.call("IMAGE_SEAL", image).status).toBe("OK");
  return image;
}

function digestOf(agent: number): string {
  expect(init.call("AGENT_INFO", agent, init.memory, INFO_BYTES).status).toBe("OK");
  const { buffer, byteOffset } = init.bytes(INFO_DIGEST, 32);
  return Buffer.from(buffer, byteOffset, 32).toString("hex");
}

const host = (bytes: number) =>
  agentImage({
    runtime: "host",
    program: "worker",
    text: Uint8Array.from({ length: bytes }, (_, n) => (n * 7) ^ (n >> 8)),
  });
const native = () => {
  const address = 0x40_0000;
  const read = { address, bytes: CODE, flags: 5 };
  return elfFile({ segments: [read], entry: address });
};

describe("an image that an agent has made", () => {
  test.each<[string, () => Uint8Array, number]>([
    ["of a header alone", () => host(0), PAGE],
    ["in one piece", () => host(100), PAGE],
    ["of several pages, in pieces that fit nothing", () => host(30_000), 1234],
    ["of an ELF file", native, 77],
  ])("%s can be run, and its digest is that of its bytes", (_, make, piece) => {
    const file = make();
    const image = sealed(file, piece);
    const child = init.spawn({ image });
    expect(child.status).toBe("OK");
    expect(digestOf(child.child)).toBe(createHash("sha256").update(file).digest("hex"));
    // The capability may go: the agent keeps the image, and the last of the two gives it back.
    expect(init.call("CAP_REVOKE", image, 1).status).toBe("OK");
    expect(init.call("AGENT_KILL", child.child, 0).status).toBe("OK");
    life.settle();
    expect(digestOf(child.child)).toBe(createHash("sha256").update(file).digest("hex"));
  });

  test("has its text on pages of its own, with zeroes behind its end", () => {
    const file = host(5000);
    const child = life.actor(init.spawn({ image: sealed(file) }).id);
    const { text, pages } = child.view.imageAt(0);
    expect(pages).toBe(2);
    const found = Buffer.from(life.world.data.buffer, RAM_BASE + Number(text), 2 * PAGE);
    expect(found.equals(Buffer.concat([file.subarray(64), Buffer.alloc(2 * PAGE - 5000)]))).toBe(
      true,
    );
  });

  test("is gone with its last capability, and all that it took with it", () => {
    const before = life.accounts();
    for (const file of [host(20_000), native()]) {
      const image = sealed(file);
      expect(init.call("CAP_REVOKE", image, 1).status).toBe("OK");
      expect(init.spawn({ image }).status).toBe("CAPABILITY_STALE");
      expect(life.accounts()).toEqual(before);
    }
  });

  test("that is half made ends with its maker", () => {
    const maker = init.child({ quota: 1 << 20 });
    const authority = Number(life.world.kernel.root.authorityAt(0).id);
    const own = life.authority.root(maker.id, authority, RIGHTS_ALL, KIND_KERNEL);
    maker.memory;
    const images = () => life.accounts()["objects of kind 8"];
    const before = images();
    const made = begun(9000, maker, own);
    expect(made.status).toBe("OK");
    expect(append(made.value, host(100), PAGE, maker)).toBe("OK");
    expect(images()).toBe((before ?? 0) + 1);
    expect(init.call("AGENT_KILL", init.handle(maker.id), 0).status).toBe("OK");
    life.settle();
    expect(images()).toBe(before);
  });

  test("stays as long as what an upgrade goes back to needs it", () => {
    const first = sealed(host(10));
    const second = sealed(host(20));
    const child = init.spawn({ image: first });
    life.settle();
    init.call("AGENT_SUSPEND", child.child);
    expect(init.call("AGENT_UPGRADE", child.child, second, 0, 0).status).toBe("OK");
    for (const image of [first, second])
      expect(init.call("CAP_REVOKE", image, 1).status).toBe("OK");
    expect(init.call("AGENT_UPGRADE", child.child, 0, 2, 0).status).toBe("OK");
    life.settle();
    expect(digestOf(child.child)).toBe(createHash("sha256").update(host(10)).digest("hex"));
  });
});

describe("making an image is refused", () => {
  test("when it is to have no bytes, or more than the limit", () => {
    const before = life.accounts();
    expect([0, 2 ** 26 + 1].map((bytes) => begun(bytes).status)).toEqual([
      "BAD_ARGUMENT",
      "TOO_LARGE",
    ]);
    expect(begun(2 ** 26).status).toMatch(/^(QUOTA|NO_MEMORY)$/);
    expect(life.accounts()).toEqual(before);
  });

  test("by pieces of no bytes, of more than is to come, of more than a piece may have", () => {
    const image = begun(70_000).value;
    const give = (bytes: number) => init.call("IMAGE_APPEND", image, init.memory, bytes).status;
    expect([0, 65_537].map(give)).toEqual(["BAD_ARGUMENT", "TOO_LARGE"]);
    const short = begun(10).value;
    expect(init.call("IMAGE_APPEND", short, init.memory, 11).status).toBe("TOO_LARGE");
    expect(init.call("IMAGE_APPEND", short, 0x7000_0000, 10).status).toBe("BAD_ADDRESS");
  });

  test("before all bytes are there, and once it is sealed", () => {
    const file = host(10);
    const image = begun(file.length).value;
    expect(append(image, file.subarray(0, 70))).toBe("OK");
    expect(init.call("IMAGE_SEAL", image).status).toBe("WRONG_STATE");
    expect(init.spawn({ image }).status).toBe("WRONG_STATE");
    expect(append(image, file.subarray(70))).toBe("OK");
    expect(init.spawn({ image }).status).toBe("WRONG_STATE");
    expect(init.call("IMAGE_SEAL", image).status).toBe("OK");
    expect(init.call("IMAGE_SEAL", image).status).toBe("WRONG_STATE");
    expect(init.call("IMAGE_APPEND", image, init.memory, 1).status).toBe("WRONG_STATE");
  });

  test("when its bytes are none, and for an ELF file the reason is the kernel's", () => {
    const dynamic = native();
    dynamic[16] = 3;
    const wrong = host(10);
    wrong[0] = 0;
    const answers = [wrong, host(10).subarray(0, 63), dynamic].map((file) => {
      const image = begun(file.length).value;
      append(image, file);
      const { status, value } = init.call("IMAGE_SEAL", image);
      expect(init.spawn({ image }).status).toBe("WRONG_STATE");
      return [status, value];
    });
    expect(answers).toEqual([
      ["BAD_IMAGE", 0],
      ["BAD_IMAGE", 0],
      ["BAD_IMAGE", ELF_POSITION_INDEPENDENT],
    ]);
  });
});
