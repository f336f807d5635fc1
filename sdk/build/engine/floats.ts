/**
 * Micro-ops of frequent floating-point instructions. Each tries the native way (sim/core/sse/quick.ts),
 * else it is the call that CALL_SSE would be, with the same fields.
 */
import { type MicroOp, SLOWLY } from "./micro-ops.ts";
import { VECTORS } from "./packed.ts";

const unit = (n: number) => `vectors + (<usize>load<u8>(ip, ${n}) << 4)`;
const CONTROL = "vectors + 24";
const SLOT_A = "cpu + <usize>load<u8>(ip, 2)";
const SLOT_B = "cpu + <usize>load<u8>(ip, 3)";
const WIDE = "(load<u8>(ip, 5) & 16) != 0";
const SLOW = { slow: "executeSse(changetype<Cpu>(cpu), ip);" };

const scalar = (name: string, quick: string): MicroOp => ({
  name: `V_${name}SD`,
  code: `const vectors = ${VECTORS};
        const result = quick${quick}(${CONTROL}, load<u64>(${unit(2)}), load<u64>(${unit(3)}));
        if (result != NOT_QUICK) store<u64>(${unit(2)}, result);
        else ${SLOWLY}`,
  ...SLOW,
});

const single = (name: string, quick: string): MicroOp => ({
  name: `V_${name}SS`,
  code: `const vectors = ${VECTORS};
        const result = quick${quick}32(${CONTROL}, load<u32>(${unit(2)}), load<u32>(${unit(3)}));
        if (result != NOT_QUICK_32) store<u32>(${unit(2)}, result);
        else ${SLOWLY}`,
  ...SLOW,
});

/** Both lanes are known before one is written. */
const pair = (name: string, quick: string): MicroOp => ({
  name: `V_${name}PD`,
  code: `const vectors = ${VECTORS};
        const to = ${unit(2)};
        const from = ${unit(3)};
        const low = quick${quick}(${CONTROL}, load<u64>(to), load<u64>(from));
        const high = quick${quick}(${CONTROL}, load<u64>(to, 8), load<u64>(from, 8));
        if (low != NOT_QUICK && high != NOT_QUICK) {
          store<u64>(to, low);
          store<u64>(to, high, 8);
        } else ${SLOWLY}`,
  ...SLOW,
});

const relation = (name: string, type: string, suffix: string): MicroOp => ({
  name: `V_${name}`,
  code: `const vectors = ${VECTORS};
        const relation = quickRelation${suffix}(load<${type}>(${unit(2)}), load<${type}>(${unit(3)}));
        if (relation != NO_RELATION) setRelation(cpu, relation);
        else ${SLOWLY}`,
  ...SLOW,
});

const conversions: MicroOp[] = [
  {
    name: "V_CVTSI2SD",
    code: `const vectors = ${VECTORS};
        const integer = ${WIDE} ? load<i64>(${SLOT_B}) : <i64>load<i32>(${SLOT_B});
        if (isExact(integer)) store<f64>(${unit(2)}, <f64>integer);
        else ${SLOWLY}`,
    ...SLOW,
  },
  {
    name: "V_CVTTSD2SI",
    code: `const vectors = ${VECTORS};
        const wide = ${WIDE};
        const integer = quickCut(${CONTROL}, load<u64>(${unit(3)}), wide);
        if (integer != NOT_QUICK_INTEGER) store<u64>(${SLOT_A}, wide ? integer : <u64>(<u32>integer));
        else ${SLOWLY}`,
    ...SLOW,
  },
  {
    name: "V_CVTSD2SS",
    code: `const vectors = ${VECTORS};
        const result = quickNarrow(${CONTROL}, load<u64>(${unit(3)}));
        if (result != NOT_QUICK_32) store<u32>(${unit(2)}, result);
        else ${SLOWLY}`,
    ...SLOW,
  },
  {
    name: "V_CVTSS2SD",
    code: `const vectors = ${VECTORS};
        const result = quickWiden(${CONTROL}, load<u32>(${unit(3)}));
        if (result != NOT_QUICK) store<u64>(${unit(2)}, result);
        else ${SLOWLY}`,
    ...SLOW,
  },
];

export const FLOAT_MICRO_OPS: readonly MicroOp[] = [
  scalar("ADD", "Add"),
  scalar("SUB", "Subtract"),
  scalar("MUL", "Multiply"),
  scalar("DIV", "Divide"),
  scalar("SQRT", "Root"),
  single("ADD", "Add"),
  single("SUB", "Subtract"),
  single("MUL", "Multiply"),
  single("DIV", "Divide"),
  pair("ADD", "Add"),
  pair("SUB", "Subtract"),
  pair("MUL", "Multiply"),
  pair("DIV", "Divide"),
  relation("UCOMISD", "u64", ""),
  relation("COMISD", "u64", ""),
  relation("UCOMISS", "u32", "32"),
  relation("COMISS", "u32", "32"),
  ...conversions,
];

const NAMES = [
  "isExact",
  "NO_RELATION",
  "NOT_QUICK",
  "NOT_QUICK_32",
  "NOT_QUICK_INTEGER",
  "quickAdd",
  "quickAdd32",
  "quickCut",
  "quickDivide",
  "quickDivide32",
  "quickMultiply",
  "quickMultiply32",
  "quickNarrow",
  "quickRelation",
  "quickRelation32",
  "quickRoot",
  "quickSubtract",
  "quickSubtract32",
  "quickWiden",
];
export const FLOAT_IMPORTS = `import { ${NAMES.join(", ")} } from "../sse/quick";\n`;
