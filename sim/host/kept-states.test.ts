import { expect, test } from "vitest";
import { IDLE_STATES_MAX, KEPT_STATES_MAX, KeptStates } from "./kept-states.ts";

const state = (agent: number, awaited: number) => ({ agent, inputs: 1, awaited, state: agent });

test("a state stays until the clones that wait for it have begun, and then gives way to younger ones", () => {
  const kept = new KeptStates();
  kept.put(state(1000, 2));
  for (let n = 0; n < 2 * IDLE_STATES_MAX; n++) kept.put(state(n, 0));
  expect(kept.all().map(({ agent }) => agent)).toEqual([
    1000,
    ...Array.from({ length: IDLE_STATES_MAX }, (_, n) => IDLE_STATES_MAX + n),
  ]);
  expect([kept.take(1000, 1), kept.take(1000, 1)]).toEqual([{ state: 1000 }, { state: 1000 }]);
  // Nobody waits for it now, and it is the oldest.
  expect(kept.take(1000, 1)).toBeUndefined();
  expect(kept.take(IDLE_STATES_MAX, 2)).toBeUndefined();
});

test("there are no more states than the limit, however many clones wait", () => {
  const kept = new KeptStates();
  for (let n = 0; n <= KEPT_STATES_MAX; n++) kept.put(state(n, 1));
  expect(kept.take(0, 1)).toBeUndefined();
  expect(kept.all()).toHaveLength(KEPT_STATES_MAX);
});
