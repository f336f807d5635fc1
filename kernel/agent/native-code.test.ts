/** Code of an agent that the kernel writes: the processor executes what is there now, or it is refused. */
import { describe, expect, test } from "vitest";
import { type Run, runAgents } from "../../sdk/agent/testing.ts";
import { cProgram } from "../../sdk/c/testing/programs.ts";
import { STATUS_BAD_ADDRESS, STATUS_BAD_ARGUMENT } from "../syscall/status.ts";

const code = cProgram("code");

/** mov eax, value; ret; and NOPs behind. */
function returns(value: number, bytes: number): Uint8Array {
  const made = new Uint8Array(bytes).fill(0x90);
  made.set([0xb8, value, 0, 0, 0, 0xc3]);
  return made;
}

/** The end's code of sdk/c/testing/code.c in a mode, which is sent functions returning 21 and 42. */
async function ended(mode: number, bytes = 8): Promise<bigint> {
  let end = -1n;
  const init: Run = function* (sys) {
    const { id, capability } = yield* sys.spawn({
      image: yield* sys.image("code"),
      argument: mode | (bytes << 3),
    });
    for (const value of [21, 42]) yield* sys.send(capability, returns(value, bytes));
    const { reason, code: result } = yield* sys.ended(id);
    expect(reason).toBe("exited");
    end = result;
  };
  await runAgents({ init }, { images: { code } });
  return end;
}

const BOTH = BigInt((21 << 8) | 42);

describe("a message with code", () => {
  // 64 bytes are kept in the message, more in frames, and whole pages take the place of the receiver's.
  test.each([8, 64, 65, 4096])(
    "of %i bytes replaces what a page has executed, once it can be executed again",
    async (bytes) => {
      expect(await ended(0, bytes)).toBe(BOTH);
    },
  );
  test.each([8, 64, 65, 4096])(
    "of %i bytes into a page that can be executed is refused, and the old code runs on",
    async (bytes) => {
      expect(await ended(1, bytes)).toBe(BigInt((STATUS_BAD_ADDRESS << 16) | (21 << 8) | 21));
    },
  );
  test.each([8, 64, 65, 4096])(
    "of %i bytes is executed at another address of the page",
    async (bytes) => {
      expect(await ended(2, bytes)).toBe(BOTH);
    },
  );
});

test("a header that becomes part of an instruction is executed as it is", async () => {
  const senders: number[] = [];
  let end = -1n;
  const init: Run = function* (sys) {
    const { id, capability } = yield* sys.spawn({
      image: yield* sys.image("code"),
      argument: 4 | (195 << 3),
    });
    const other = yield* sys.spawn({ image: yield* sys.image("other") });
    senders.push(sys.id, other.id);
    yield* sys.send(capability, new Uint8Array(195));
    yield* sys.send(other.capability, new Uint8Array(8), capability);
    end = (yield* sys.ended(id)).code;
  };
  const other: Run = function* (sys) {
    yield* sys.send((yield* sys.receive()).capability, new Uint8Array(195));
  };
  await runAgents({ init, other }, { images: { code } });
  expect(end).toBe(BigInt(((senders[0] ?? 0) ^ (senders[1] ?? 0)) >>> 0));
});

test("an agent's own stores to a page are executed at another address of it", async () => {
  expect(await ended(3)).toBe(BigInt((21 << 8) | 22));
});

test("no page is writable and executable, and none can become so", async () => {
  expect(await ended(5)).toBe(BigInt((STATUS_BAD_ARGUMENT << 8) | STATUS_BAD_ARGUMENT));
});
