/** Authority on the booted machine: the first agent, in ring 3, by system calls alone. */
import { createCipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { buildBootImage } from "../../sdk/image/index.ts";
import { Machine } from "../../sim/host/machine.ts";
import type { AgentStart, CallReply, Operation, Program, Reply } from "../../sim/host/programs.ts";
import { RUNTIME_HOST } from "../../sim/spec/user.ts";
import { IMAGE_HEADER_BYTES } from "../agent/image_format.ts";
import { AUDIT_DENIAL, AUDIT_GRANT, AUDIT_REVOKE } from "../audit/kinds.ts";
import { BOOT_LIMIT, BootViews } from "../host/testing/boot.ts";
import * as Views from "../host/views.generated.ts";
import { PROTECTION_READ, PROTECTION_WRITE } from "../mm/protection.ts";
import * as layout from "../syscall/cap_layouts.ts";
import * as numbers from "../syscall/numbers.ts";
import { statusName } from "../testing/world-host.ts";
import { RIGHT_DERIVE, RIGHT_INFO } from "./rights.ts";

const PROGRAM = 77;
const PAGE = 4096;

function image(): Uint8Array {
  const bytes = Buffer.alloc(IMAGE_HEADER_BYTES);
  bytes.write("AIOSIMG1");
  bytes.writeUInt32LE(RUNTIME_HOST, 8);
  bytes.writeUInt32LE(PROGRAM, 12);
  return bytes;
}

const call = (number: number, ...args: (number | bigint)[]): Operation => ({ call: number, args });
const status = (reply: Reply) => statusName((reply as CallReply).error);
const value = (reply: Reply) => (reply as CallReply).value;

test("the first agent derives, shows, revokes, draws random bytes and drains the audit ring", async () => {
  const seen: Record<string, unknown> = {};
  let random = Buffer.alloc(0);
  let id = 0;
  function* program(agent: AgentStart): Program {
    const { self, pool, argument: kernel } = agent;
    id = agent.id;
    const flags = PROTECTION_READ | PROTECTION_WRITE;
    const at = value(yield call(numbers.SYSCALL_AGENT_MEM_ALLOC, pool, 2 * PAGE, 0, flags));
    seen["random"] = status(yield call(numbers.SYSCALL_RANDOM_GET, self, at, 100));
    random = Buffer.from((yield { load: [at, 100] }) as Uint8Array);

    const wanted = Buffer.alloc(layout.DERIVE_BYTES);
    wanted.writeUInt32LE(RIGHT_INFO | RIGHT_DERIVE, layout.DERIVE_RIGHTS);
    yield { store: [at, wanted] };
    const derived = value(yield call(numbers.SYSCALL_CAP_DERIVE, self, at));
    seen["shown"] = status(yield call(numbers.SYSCALL_CAP_INSPECT, derived, at));
    seen["judged"] = value(yield call(numbers.SYSCALL_CAP_INSPECT, self, 0, at, RIGHT_INFO));
    seen["revoked"] = value(yield call(numbers.SYSCALL_CAP_REVOKE, self, 0));
    seen["after"] = statusName(value(yield call(numbers.SYSCALL_CAP_INSPECT, self, 0, at)));
    seen["used"] = status(yield call(numbers.SYSCALL_CAP_DERIVE, derived, at));

    const drained = value(yield call(numbers.SYSCALL_AUDIT_DRAIN, kernel, at, 2 * PAGE));
    const records = Buffer.from(
      (yield { load: [at, drained * layout.RECORD_BYTES] }) as Uint8Array,
    );
    const kinds = Array.from({ length: drained }, (_, index) =>
      records.readUInt16LE(index * layout.RECORD_BYTES + layout.RECORD_KIND),
    );
    seen["kinds"] = kinds.slice(-3);
    yield call(numbers.SYSCALL_AGENT_KILL, self, 0);
  }
  const data = await buildBootImage({ entries: [{ name: "init", data: image() }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data }] });
  machine.agents.program(PROGRAM, program);
  machine.boot({ until: BOOT_LIMIT });
  machine.run(machine.time + 1_000_000_000n);
  expect(machine.agents.failures).toEqual([]);
  expect(seen).toEqual({
    random: "OK",
    shown: "OK",
    judged: 0,
    revoked: 1,
    after: "CAPABILITY_REVOKED",
    used: "CAPABILITY_REVOKED",
    kinds: [AUDIT_GRANT, AUDIT_REVOKE, AUDIT_DENIAL],
  });

  const entropy = new Views.Entropy(machine.core.data, new BootViews(machine).root.entropy);
  const key = Buffer.alloc(32);
  [entropy.key0, entropy.key1, entropy.key2, entropy.key3].forEach((word, index) => {
    key.writeBigUInt64LE(word, index * 8);
  });
  const iv = Buffer.alloc(16);
  iv.writeBigUInt64LE(BigInt(id), 8);
  expect(random).toEqual(createCipheriv("chacha20", key, iv).update(Buffer.alloc(100)));
});
