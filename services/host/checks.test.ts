/** What a request may cost by what it needs and shows, on a kernel that judges. */
import { expect, test } from "vitest";
import { z } from "zod";
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { runAgents } from "../../sdk/agent/testing.ts";
import { decode, encode } from "../messages/json.ts";
import { parseCapability, scopeOf } from "../messages/scope.ts";
import { checked, NEEDS_MAX } from "./checks.ts";
import { answering } from "./rpc.ts";
import { Tasks } from "./tasks.ts";

const METHOD = {
  summary: "Needs what it is told",
  http: ["POST", "/"],
  params: z.object({ needs: z.array(z.string()) }),
  result: z.any(),
  needs: ({ needs }: { needs: string[] }) => needs.map(parseCapability),
} as const;

interface Shown {
  readonly needs: readonly string[];
  /** What the asker holds, and whether the token that it shows of it is good. */
  readonly holds: readonly (readonly [capability: string, good: boolean])[];
  /** In place of tokens. */
  readonly proofs?: unknown;
}
interface Told {
  readonly judged: number;
  readonly result?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Counts what a service asks the kernel about tokens. */
function counting(sys: Sys): { sys: Sys; judged(): number } {
  let count = 0;
  const counted: Sys = Object.create(sys, {
    judge: {
      value: (...given: Parameters<Sys["judge"]>) => {
        count++;
        return sys.judge(...given);
      },
    },
  });
  return { sys: counted, judged: () => count };
}

/** What becomes of a request, and how many tokens the kernel was asked about. */
async function asked({ needs, holds, proofs }: Shown): Promise<Told> {
  const told: Told[] = [];
  let judged = () => 0;
  await runAgents({
    *service(sys) {
      const tasks = new Tasks(sys);
      const counted = counting(sys);
      judged = counted.judged;
      const run = checked(counted.sys, METHOD as never, function* () {
        return "done";
      });
      return yield* tasks.run({ message: answering(tasks, { run }) });
    },
    *init(sys) {
      const child = yield* sys.spawn({ image: yield* sys.image("service"), quota: 4 << 20 });
      const shown: string[] = [];
      for (const [text, good] of holds) shown.push(yield* tokenOf(sys, text, good));
      const answers = yield* sys.endpoint("queue", 1);
      const back = yield* sys.derive(answers, { rights: RIGHT_SEND | RIGHT_DERIVE });
      const params = { params: { needs }, proofs: proofs ?? shown };
      yield* sys.send(child.capability, encode({ ask: 1, method: "run", params }), back);
      const answer = decode((yield* sys.receive(answers)).bytes) as object;
      told.push({ ...answer, judged: judged() });
    },
  });
  const [first] = told;
  if (!first) throw new Error("there was no answer");
  return first;
}

/** A token of a scope of the asker's; one that isn't good any more says the same as before. */
function* tokenOf(sys: Sys, text: string, good: boolean): Step<string> {
  const held = yield* sys.derive(sys.allScopes, { scope: scopeOf(parseCapability(text)) });
  const token = Buffer.from(yield* sys.token(held)).toString("base64");
  if (!good) yield* sys.drop(held);
  return token;
}

const PROOFS = 64;
const many = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n));
const PROJECTS = many(NEEDS_MAX, (n) => `PROC_READ:p${n}`);

test("a request with all the needs and proofs that there may be costs one judgement each at most", async () => {
  const worthless = many(PROOFS - 1, () => "PROC_READ");
  const holds = [...worthless.map((text) => [text, false] as const), ["PROC_READ", true] as const];
  expect(await asked({ needs: PROJECTS, holds })).toMatchObject({
    result: "done",
    judged: NEEDS_MAX + PROOFS - 1,
  });
});

test("a proof that isn't for what is needed costs nothing, and neither does a need that is there twice", async () => {
  const holds = many(PROOFS, (n) => `LOG_READ:p${n}`).map((text) => [text, true] as const);
  expect(await asked({ needs: ["PROC_READ:p1"], holds })).toMatchObject({
    error: { code: "denied", message: "PROC_READ:p1 is needed" },
    judged: 0,
  });
  const needs = many(PROOFS, () => "LOG_READ:p7");
  expect(await asked({ needs, holds })).toMatchObject({ result: "done", judged: 1 });
});

test("a proof that was refused for one need isn't asked about for the next one", async () => {
  const holds = [
    ["PROC_READ", false],
    ["PROC_READ:p1", true],
  ] as const;
  expect(await asked({ needs: ["PROC_READ:p1", "PROC_READ:p2"], holds })).toMatchObject({
    error: { code: "denied", message: "PROC_READ:p2 is needed" },
    judged: 2,
  });
});

test("one need more than there may be is refused before the kernel is asked", async () => {
  const holds = [["PROC_READ", true]] as const;
  expect(await asked({ needs: [...PROJECTS, "PROC_READ:more"], holds })).toMatchObject({
    error: { code: "too-large", message: `${NEEDS_MAX} different capabilities are the most` },
    judged: 0,
  });
});

test.each([
  ["of no list", 7, "a list of tokens in base64 is meant"],
  ["of something else than text", [7], "a list of tokens in base64 is meant"],
  ["of more than there may be", many(PROOFS + 1, () => ""), "64 are the most"],
])("proofs %s are refused with what is wrong", async (_, proofs, why) => {
  expect(await asked({ needs: ["PROC_READ"], holds: [], proofs })).toMatchObject({
    error: { code: "bad-request", message: `proofs: ${why}` },
    judged: 0,
  });
});

test("a token that claims more than the kernel has made is good for nothing", async () => {
  const wider = Buffer.alloc(96, 0xff);
  wider.writeUInt16LE(0, 46);
  for (const proof of [wider, wider.subarray(1), Buffer.alloc(0)])
    expect(
      await asked({ needs: ["PROC_READ"], holds: [], proofs: [proof.toString("base64")] }),
    ).toMatchObject({ error: { code: "denied" }, judged: proof.length === 96 ? 1 : 0 });
});
