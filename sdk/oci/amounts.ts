/** Sizes and shares as people write them in documents: of an agent (agent.json) and of a project. */
import { z } from "zod";

const UNITS = "KMGT";
const SIZE = /^(\d{1,15})([KMGT])?$/i;
const SHARE = /^(\d{1,3})(?:\.(\d))?%$/;

/** Bytes: a number, or text like "64M" with units that multiply by powers of 1024. */
export const size = z
  .union([z.int(), z.string()], { error: "not a size like 64M" })
  .transform((given, context) => {
    if (typeof given === "number") return given;
    const [, digits, unit = ""] = SIZE.exec(given) ?? [];
    if (digits !== undefined)
      return Number(digits) * (unit === "" ? 1 : 1024 ** (UNITS.indexOf(unit.toUpperCase()) + 1));
    context.addIssue({
      code: "custom",
      message: `${JSON.stringify(given)} is not a size like 64M`,
    });
    return z.NEVER;
  });

/** A share of a processor like "20%", in thousandths. */
export const share = z.string("not a share like 20%").transform((given, context) => {
  const [, percent, tenth = "0"] = SHARE.exec(given) ?? [];
  if (percent !== undefined) return Number(percent) * 10 + Number(tenth);
  context.addIssue({ code: "custom", message: `${JSON.stringify(given)} is not a share like 20%` });
  return z.NEVER;
});
