/**
 * The processor as a system's programmer meets it, case by case: assembly programs on bare metal
 * (host/testing/bare/) print which exception comes, where, with which error code, and what it finds. What they must
 * print is what was recorded here when it had been compared with Bochs (processor.soak.ts).
 */
import { expect, test } from "vitest";
import { compiled, onOurs, recorded } from "../../host/testing/bare/transcript.ts";

test("modes without 64 bits: tasks, gates, segments, virtual-8086 mode, traps, ports and page faults are the manual's", async () => {
  expect(await onOurs(compiled("legacy"))).toEqual(recorded("legacy"));
});

test("IA-32e mode: gates, calls of systems, addresses that aren't canonical, shadows, NMIs, double faults and paging are the manual's", async () => {
  expect(await onOurs(compiled("long"))).toEqual(recorded("long"));
});
