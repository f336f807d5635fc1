import { expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Birth } from "../messages/birth.ts";
import { encode } from "../messages/json.ts";
import type { WasmParts } from "./program.ts";
import { States } from "./states.ts";
import { runModules, startModule } from "./testing/aios.ts";
import { compileSource } from "./testing/compile.ts";

test("a state is left where somebody waits for it, and taken once", () => {
  const states = new States<string>();
  states.leave("unknown", "a");
  expect(states.take("unknown")).toBeNull();
  states.expect("name");
  expect(states.take("name")).toBeNull();
  states.leave("name", "a");
  // Whoever comes later changes nothing.
  states.leave("name", "b");
  expect([states.take("name"), states.take("name")]).toEqual(["a", null]);
  states.leave("name", "c");
  expect(states.take("name")).toBeNull();
  states.give("other", "d");
  states.leave("other", "e");
  expect(states.take("other")).toBe("d");
  states.expect("dropped");
  states.drop("dropped");
  states.leave("dropped", "f");
  expect(states.take("dropped")).toBeNull();
});

test("whoever clones an agent by itself leaves no state on the host, whatever it tells the clone", async () => {
  const module = await compileSource("export function _start(): void { while (true) {} }");
  const states: WasmParts["states"] = new States();
  const ends: string[] = [];
  const play = function* (sys: Sys): Step<void> {
    const original = yield* startModule(sys, "module");
    yield* sys.sleep(5_000_000);
    yield* sys.suspend(original.capability);
    yield* sys.sleep(5_000_000);
    for (const name of ["awaited", "guessed"]) {
      const clone = yield* sys.clone(original.capability);
      const told: Birth = {
        ...{ args: [], env: {}, streams: [], capabilities: [], files: null },
        keepAs: name,
      };
      yield* sys.send(clone.capability, encode(told));
      ends.push((yield* sys.ended(clone.id)).reason);
    }
    yield* sys.kill(original.capability);
  };
  states.expect("awaited");
  await runModules({ module }, play, undefined, states);
  expect(ends).toEqual(["exited", "exited"]);
  expect(states.take("awaited")).not.toBeNull();
  expect(states.take("guessed")).toBeNull();
});
