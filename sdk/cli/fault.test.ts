import { expect, test } from "vitest";
import { faultText } from "./fault.ts";

test("a fault of ours shows no stack but to those who ask for one", () => {
  const error = new TypeError("it is no function");
  const told = faultText(error, {});
  expect(told).toMatch(/^error: it is no function\n\(.*aios doctor.*AIOS_STACK=1.*\)\n$/);
  expect(faultText("thrown", {})).toMatch(/^error: thrown\n/);
  const shown = faultText(error, { AIOS_STACK: "1" });
  expect(shown).toContain("fault.test.ts");
});
