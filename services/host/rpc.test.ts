/** Requests between agents, one of which is up to no good. */
import { expect, test } from "vitest";
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { runAgents } from "../../sdk/agent/testing.ts";
import { encode } from "../messages/json.ts";
import { answering, Caller } from "./rpc.ts";
import { Tasks } from "./tasks.ts";

/** An agent has 1,024 capabilities at most (kernel/limits.ts). */
const MORE_THAN_A_TABLE = 1100;
const RETRY_NS = 1_000_000n;

/** Answers "twice" with twice the number that it is given. */
function* service(sys: Sys): Step<unknown> {
  const tasks = new Tasks(sys);
  // Takes answers out of what comes.
  void new Caller(tasks);
  const answer = answering(tasks, {
    *twice(params) {
      return 2 * (params as number);
    },
  });
  return yield* tasks.run({ message: answer });
}

/** Sends as often as it takes until there is room. */
function* insist(sys: Sys, to: number, bytes: Uint8Array, capability: number): Step<void> {
  while (true)
    try {
      yield* sys.send(to, bytes, capability);
      return;
    } catch (error) {
      if (!(error instanceof SyscallError) || error.status !== "FULL") throw error;
      yield* sys.sleep(RETRY_NS);
    }
}

/** What the service says to somebody after it has been sent so many capabilities with `bytes`. */
async function after(bytes: Uint8Array) {
  const heard: unknown[] = [];
  await runAgents({
    service,
    *init(sys) {
      const child = yield* sys.spawn({ image: yield* sys.image("service"), quota: 4 << 20 });
      // One place: the answer to the second request finds none.
      const queue = yield* sys.endpoint("queue", 1);
      for (let n = 0; n < MORE_THAN_A_TABLE; n++)
        yield* insist(sys, child.capability, bytes, queue);
      const other = yield* sys.endpoint("queue", 1);
      const back = yield* sys.derive(other, { rights: RIGHT_SEND | RIGHT_DERIVE });
      const asked = encode({ ask: 1, method: "twice", params: 21 });
      yield* insist(sys, child.capability, asked, back);
      heard.push(JSON.parse(new TextDecoder().decode((yield* sys.receive(other)).bytes)));
    },
  });
  return heard;
}

const WELL = [{ answer: 1, result: 42 }];

test("answers that find no room leave nothing in a service's table", async () => {
  expect(await after(encode({ ask: 1, method: "twice", params: 1 }))).toEqual(WELL);
});

test.each([
  ["no requests", encode("nothing")],
  ["no JSON", Uint8Array.of(1, 2, 3)],
  ["answers to what nobody has asked", encode({ answer: 7, result: 0 })],
])("nor do messages that are %s", async (_, bytes) => {
  expect(await after(bytes)).toEqual(WELL);
});

test("an error quotes no more of a request than a line or two", async () => {
  const answers: Uint8Array[] = [];
  await runAgents({
    service,
    *init(sys) {
      const child = yield* sys.spawn({ image: yield* sys.image("service"), quota: 4 << 20 });
      const queue = yield* sys.endpoint("queue", 1);
      const back = yield* sys.derive(queue, { rights: RIGHT_SEND | RIGHT_DERIVE });
      // Each of these characters takes six bytes in JSON.
      const asked = encode({ ask: 1, method: "\u0001".repeat(9000), params: 0 });
      yield* insist(sys, child.capability, asked, back);
      answers.push((yield* sys.receive(queue)).bytes.slice());
    },
  });
  const [answer] = answers;
  expect(new TextDecoder().decode(answer)).toMatch(
    /^\{"answer":1,"error":\{"code":"unknown-method",/,
  );
  expect(answer?.length).toBeLessThan(8000);
});
