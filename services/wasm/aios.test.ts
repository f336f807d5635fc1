/** The import module "aios", by modules that use it. */
import { expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { assemblyScriptBindings } from "../../sdk/build/aios-bindings.ts";
import { anew, runModules, startModule } from "./testing/aios.ts";
import { compileSource } from "./testing/compile.ts";

const bytes = (value: string) => new TextEncoder().encode(value);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

const HEAD = `${assemblyScriptBindings().replaceAll("export ", "")}
const room = memory.data(65536), told = memory.data(64), name = memory.data(64);
function find(letter: i32): i64 {
  store<u8>(name, letter);
  if (aios_capability(name, 1, told) != AIOS_STATUS_OK) aios_exit(100);
  return load<i64>(told);
}
`;

const compile = (body: string) => compileSource(`${HEAD}export function _start(): void {${body}}`);

/** Runs one module with capabilities by name; how it ended. */
async function codeOf(
  body: string,
  play: (sys: Sys, child: number) => Step<void> = function* () {},
  capabilities: (sys: Sys) => Step<Record<string, number>> = function* () {
    return {};
  },
): Promise<unknown> {
  const modules = { module: await compile(body) };
  let end: unknown;
  await runModules(modules, function* (sys) {
    const child = yield* startModule(sys, "module", yield* capabilities(sys));
    yield* play(sys, child.capability);
    const { reason, code } = yield* sys.ended(child.id);
    end = [reason, Number(code)];
  });
  return end;
}

const toInit = function* (sys: Sys) {
  return { a: sys.self };
};

test("messages go to who has been named at birth, and come with who has sent them", async () => {
  const heard: string[] = [];
  const end = await codeOf(
    `aios_receive(0, AIOS_NEVER, room, 100, told);
     const capability = load<i64>(told + AIOS_MESSAGE_CAPABILITY);
     const length = <u32>load<u64>(told + AIOS_MESSAGE_PAYLOAD_BYTES);
     store<u8>(room + length, 33);
     aios_send(capability, room, length + 1, 0);
     aios_send(find(97), room, length, 0);
     aios_exit(<u32>load<u64>(told + AIOS_MESSAGE_SEQUENCE));`,
    function* (sys, child) {
      const queue = yield* sys.endpoint("queue");
      yield* sys.send(child, bytes("hello"), queue);
      heard.push(text((yield* sys.receive(queue)).bytes), text((yield* sys.receive()).bytes));
    },
    toInit,
  );
  expect(heard).toEqual(["hello!", "hello"]);
  // Its birth was the sender's first message.
  expect(end).toEqual(["exited", 2]);
});

test("a request gets its own answer, or TIMED_OUT by the deadline", async () => {
  const end = await codeOf(
    `store<u8>(room, 63);
     if (aios_request(find(97), room, 1, AIOS_NEVER, room, 64, told) != AIOS_STATUS_OK) aios_exit(1);
     if (load<u8>(room) != 55) aios_exit(2);
     aios_now(told);
     const before = load<u64>(told);
     if (aios_request(find(97), room, 1, before + 5000000, room, 64, told) != AIOS_STATUS_TIMED_OUT) aios_exit(3);
     aios_now(told);
     aios_exit(<u32>((load<u64>(told) - before) / 1000000));`,
    function* (sys) {
      const { capability } = yield* sys.receive();
      yield* sys.send(capability, bytes("7"));
      yield* sys.receive();
    },
    toInit,
  );
  expect(end).toEqual(["exited", 5]);
});

test("a message that is larger than the room stays, and its size is told", async () => {
  const end = await codeOf(
    `if (aios_receive(0, AIOS_NEVER, room, 3, told) != AIOS_STATUS_TOO_LARGE) aios_exit(1);
     const size = <u32>load<u64>(told + AIOS_MESSAGE_PAYLOAD_BYTES);
     if (aios_receive(0, AIOS_NEVER, room, size, told) != AIOS_STATUS_OK) aios_exit(2);
     aios_exit(size + load<u8>(room + 4999));`,
    function* (sys, child) {
      yield* sys.send(child, new Uint8Array(5000).fill(9));
    },
  );
  expect(end).toEqual(["exited", 5009]);
});

test("pointers outside the memory are refused, wherever they stand, and nothing is done", async () => {
  // 64 KiB a page: what it has ends at memory.size() pages.
  const end = await codeOf(
    `const out: usize = <usize>memory.size() * 65536;
     let wrong = 0;
     wrong += i32(aios_now(out - 7) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_now(<usize>0xfffffffc) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_send(find(97), out - 1, 2, 0) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_send(find(97), 8, 0xffffffff, 0) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_random(out, 1) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_receive(0, 0, room, 10, out - 31) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_wait(room, 0x20000001, 0, 0, told) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_clone(out - 15) != AIOS_STATUS_BAD_ADDRESS);
     wrong += i32(aios_capability(out, 1, told) != AIOS_STATUS_BAD_ADDRESS);
     store<u32>(room + 8, <u32>out); store<u32>(room + 12, 4);
     wrong += i32(aios_spawn(find(97), room, 0, room, 1, 0, told) != AIOS_STATUS_BAD_ADDRESS);
     aios_exit(wrong);`,
    undefined,
    toInit,
  );
  expect(end).toEqual(["exited", 0]);
});

test("capabilities that it hasn't got are refused by the kernel, whatever number stands for them", async () => {
  const end = await codeOf(
    `let worked = 0;
     for (let n: i64 = -9; n < -1; n++) worked += i32(aios_send(n, room, 1, 0) == AIOS_STATUS_OK);
     for (let n: i64 = 1; n < 64; n++) worked += i32(aios_kill(n, 1) == AIOS_STATUS_OK);
     for (let n: i64 = 1; n != 0; n <<= 1) worked += i32(aios_send(n, room, 1, 0) == AIOS_STATUS_OK);
     worked += i32(aios_send(find(97), room, 1, 0x7fffffffffffffff) == AIOS_STATUS_OK);
     worked += i32(aios_capability(room, 9, told) == AIOS_STATUS_OK);
     aios_exit(worked);`,
    undefined,
    toInit,
  );
  expect(end).toEqual(["exited", 0]);
});

test("a clone is the same but for who it is: named capabilities go along, and its end is told", async () => {
  const heard: string[] = [];
  const end = await codeOf(
    `const init = find(97);
     store<u8>(room, 65);
     for (let n = 0; n < 3; n++) {
       if (aios_clone(told) != AIOS_STATUS_OK) aios_exit(90);
       if (load<u64>(told + AIOS_CHILD_ID) == 0) {
         store<u8>(room, 66 + n);
         aios_send(init, room, 1, 0);
         aios_exit(10 + n);
       }
     }
     let sum: u64 = 0;
     for (let n = 0; n < 3; n++) {
       aios_wait(0, 0, AIOS_NEVER, AIOS_WAIT_CHILDREN, told);
       if (load<u32>(told + AIOS_EVENT_KIND) != AIOS_EVENT_ENDED) aios_exit(91);
       sum += load<u64>(told + AIOS_EVENT_CODE);
     }
     aios_send(init, room, 1, 0);
     aios_exit(<u32>sum);`,
    function* (sys) {
      for (let n = 0; n < 4; n++) heard.push(text((yield* sys.receive()).bytes));
    },
    toInit,
  );
  expect(heard.slice(0, 3).sort()).toEqual(["B", "C", "D"]);
  // Its own memory has nothing of what they have written to theirs.
  expect(heard[3]).toBe("A");
  expect(end).toEqual(["exited", 10 + 11 + 12]);
});

test("one that is taken apart and restored before each reply does the same at the same time", async () => {
  const body = `
    const init = find(97);
    aios_clone(told);
    aios_random(room, 40);
    if (load<u64>(told) == 0) {
      aios_request(init, room, 40, AIOS_NEVER, room, 64, told);
      aios_exit(load<u8>(room));
    }
    aios_wait(0, 0, AIOS_NEVER, AIOS_WAIT_CHILDREN, told);
    aios_send(init, told, 32, 0);`;
  const modules = { module: await compile(body) };
  const play = async (wrap?: typeof anew) => {
    const heard: string[] = [];
    const machine = await runModules(
      modules,
      function* (sys) {
        const { id } = yield* startModule(sys, "module", { a: sys.self });
        const asked = yield* sys.receive();
        yield* sys.send(asked.capability, bytes("7"));
        heard.push(asked.bytes.join(), (yield* sys.receive()).bytes.join());
        heard.push(JSON.stringify((yield* sys.ended(id)).reason), String(yield* sys.now()));
      },
      wrap,
    );
    return [heard, machine.time];
  };
  expect(await play(anew)).toEqual(await play());
});

test("an agent starts others from images that it was given, with part of what it has", async () => {
  const parent = await compile(`
    store<u8>(name + 8, 98);
    store<i64>(room, find(97)); store<u32>(room + 8, <u32>name + 8); store<u32>(room + 12, 1);
    const image = find(119);
    store<u8>(room + 32, 120);
    if (aios_spawn(image, room + 32, 2, room, 1, 4 << 20, told) != AIOS_STATUS_OK) aios_exit(90);
    const child = load<i64>(told + AIOS_CHILD_CAPABILITY);
    aios_wait(0, 0, AIOS_NEVER, AIOS_WAIT_CHILDREN, told);
    aios_exit(<u32>load<u64>(told + AIOS_EVENT_CODE));`);
  const child = await compile(`
    if (aios_capability(name, 1, told) == AIOS_STATUS_OK) aios_exit(91);
    store<u8>(room, 33);
    aios_exit(aios_send(find(98), room, 1, 0) == AIOS_STATUS_OK ? 42 : 92);`);
  let end: unknown;
  let heard = "";
  await runModules({ parent, w: child }, function* (sys) {
    const capabilities = { a: sys.self, w: yield* sys.image("w") };
    const { id } = yield* startModule(sys, "parent", capabilities);
    heard = text((yield* sys.receive()).bytes);
    end = yield* sys.ended(id);
  });
  expect(heard).toBe("!");
  expect(end).toMatchObject({ reason: "exited", code: 42n });
});

test("which code it is the kernel says, whatever messages say, and only its parent tells an agent the rest", async () => {
  const stranger = await compile(`
    aios_receive(0, AIOS_NEVER, room, 1000, told);
    const length = <u32>load<u64>(told + AIOS_MESSAGE_PAYLOAD_BYTES);
    aios_exit(aios_send(load<i64>(told + AIOS_MESSAGE_CAPABILITY), room, length, 0));`);
  const modules = {
    first: await compile("aios_exit(1);"),
    second: await compile("aios_exit(2);"),
    stranger,
  };
  const ends: unknown[] = [];
  await runModules(modules, function* (sys) {
    const child = yield* sys.spawn({ image: yield* sys.image("first"), quota: 12 << 20 });
    yield* sys.suspend(child.capability);
    // Another agent is faster than its parent.
    const other = yield* startModule(sys, "stranger");
    yield* sys.send(other.capability, bytes('{"state":"another one\'s"}'), child.capability);
    ends.push(yield* sys.ended(other.id));
    const second = yield* startModule(sys, "second");
    const { digest } = yield* sys.info(second.capability);
    const told = { code: `sha256:${digest}`, digest: `sha256:${digest}`, image: "second" };
    yield* sys.send(child.capability, bytes(JSON.stringify(told)));
    yield* sys.resume(child.capability);
    ends.push(yield* sys.ended(child.id));
  });
  expect(ends).toMatchObject([{ code: 0n }, { reason: "exited", code: 1n }]);
});

test("random bytes are the agent's own, and a clone's are others", async () => {
  const heard: string[] = [];
  await codeOf(
    `const init = find(97);
     aios_clone(told);
     aios_random(room, 600);
     aios_send(init, room, 600, 0);
     if (load<u64>(told) != 0) aios_wait(0, 0, AIOS_NEVER, AIOS_WAIT_CHILDREN, told);`,
    function* (sys) {
      for (let n = 0; n < 2; n++) heard.push((yield* sys.receive()).bytes.join());
    },
    toInit,
  );
  expect(new Set(heard).size).toBe(2);
  expect(heard.map((it) => new Set(it.split(",")).size)).toSatisfy((sizes: number[]) =>
    sizes.every((size) => size > 200),
  );
});

test("code that does nothing but ask what costs no call is preempted as any other", async () => {
  const end = await codeOf(`while (true) aios_now(0xffffffff);`, function* (sys, child) {
    yield* sys.sleep(2_000_000);
    yield* sys.kill(child, 9);
  });
  expect(end).toEqual(["killed", 9]);
});
