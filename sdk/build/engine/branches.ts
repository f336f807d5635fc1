/** Micro-ops that end a block or depend on a condition, and pairs of instructions in one micro-op. */
import {
  A,
  B,
  IMMEDIATE,
  loading,
  type MicroOp,
  OPERANDS,
  PUSH_ADDRESS_32,
  SLOWLY,
  storing,
  TOP_32,
  WIDE,
  WIDTHS,
  type Width,
} from "./micro-ops.ts";

const TAKEN = "block + TAKEN_SITE";
const NEXT = "block + NEXT_SITE";

/** The eight conditions; each even opcode has one, the odd one behind it the opposite. */
const CONDITIONS = ["O", "B", "Z", "BE", "S", "P", "L", "LE"].flatMap((name) => [
  { name, holds: `condition${name}(cpu) != 0` },
  { name: `N${name}`, holds: `condition${name}(cpu) == 0` },
]);

const jumpIf = (condition: string) => `site = ${condition} ? ${TAKEN} : ${NEXT};`;

/** Conditions of CMOVcc with a micro-op of its own: all others are two. */
const MOVED_ON = ["B", "NB", "Z", "NZ"];
const SET = "load<u8>(cpu, T1) != 0";

const conditional: MicroOp[] = [
  ...CONDITIONS.map(({ name, holds }) => ({
    name: `J${name}`,
    code: jumpIf(holds),
    branches: true,
  })),
  ...CONDITIONS.map(({ name, holds }) => ({
    name: `SET${name}`,
    code: `store<u8>(${A}, <u8>(${holds}));`,
  })),
  // Without the move, a 32-bit destination loses its upper half all the same (SDM 2A, CMOVcc).
  ...CONDITIONS.filter(({ name }) => MOVED_ON.includes(name)).flatMap(({ name, holds }) => [
    {
      name: `CMOV${name}_32`,
      code: `store<u64>(${A}, <u64>load<u32>(${holds} ? ${B} : ${A}));`,
    },
    { name: `CMOV${name}_64`, code: `if (${holds}) store<u64>(${A}, load<u64>(${B}));` },
  ]),
  // Behind a SETcc of T1.
  { name: "CMOV_32", code: `store<u64>(${A}, <u64>load<u32>(${SET} ? ${B} : ${A}));` },
  { name: "CMOV_64", code: `if (${SET}) store<u64>(${A}, load<u64>(${B}));` },
];

const indirect = (rip: string) => `store<u64>(INDIRECT_SITE + 8, ${rip});
        site = INDIRECT_SITE;`;
const PUSH_ADDRESS = "const va = load<u64>(cpu, RSP) - 8;";
const QUADWORD = WIDTHS[3] as Width;
/** Pushes the address behind the block, and then branches. */
const calling = (before: string, branch: string) =>
  storing(
    before,
    QUADWORD,
    "load<u64>(block, NEXT_SITE + 8)",
    `store<u64>(cpu, va, RSP);
        ${branch}`,
  );
const DOUBLEWORD = WIDTHS[2] as Width;
const CANONICAL = "if (!canonical(target)) return refuseTarget(cpu, block, ip, left);";

const jumps: MicroOp[] = [
  { name: "JUMP", code: `site = ${TAKEN};`, branches: true },
  { name: "NEXT", code: `site = ${NEXT};`, branches: true },
  { name: "JUMP_IF", code: jumpIf("load<u64>(cpu, T0) != 0"), branches: true },
  {
    name: "JUMP_R",
    code: `const target = load<u64>(${A});
        ${CANONICAL}
        ${indirect("target")}`,
    branches: true,
  },
  {
    name: "CALL",
    ...calling(PUSH_ADDRESS, `site = ${TAKEN};`),
    branches: true,
  },
  {
    name: "CALL_R",
    ...calling(
      `${PUSH_ADDRESS}
        const target = load<u64>(${A});
        if (!canonical(target)) return refuseCall(cpu, block, ip, left, va);`,
      indirect("target"),
    ),
    branches: true,
  },
  {
    name: "RET",
    ...loading(
      "const va = load<u64>(cpu, RSP);",
      "u64",
      64,
      `if (!canonical(value)) return refuseTarget(cpu, block, ip, left);
        store<u64>(cpu, va + 8 + <u64>load<u32>(ip, 8), RSP);
        ${indirect("value")}`,
    ),
    branches: true,
  },
  // In 32-bit code whose segments are flat: no target is beyond the limit of CS.
  {
    name: "CALL_32",
    ...storing(
      PUSH_ADDRESS_32,
      DOUBLEWORD,
      "load<u32>(block, NEXT_SITE + 8)",
      `store<u64>(cpu, va, RSP);
        site = ${TAKEN};`,
    ),
    branches: true,
  },
  {
    name: "RET_32",
    ...loading(
      TOP_32,
      "u32",
      32,
      `store<u64>(cpu, <u64>(<u32>va + 4 + load<u32>(ip, 8)), RSP);
        ${indirect("<u64>value")}`,
    ),
    branches: true,
  },
  { name: "SYSTEM", code: "return leave(LEFT_SYSTEM, block, ip, left);", branches: true },
  {
    name: "CLI",
    code: `if (load<u32>(cpu, offsetof<Cpu>("cpl")) != 0) return leave(LEFT_SYSTEM, block, ip, left);
        clearInterruptFlag(changetype<Cpu>(cpu));`,
  },
  {
    // Not the last instruction of its block: the one behind it is in its shadow.
    name: "STI",
    code: SLOWLY,
    slow: `if (!setInterruptFlag(changetype<Cpu>(cpu))) return leave(LEFT_SYSTEM, block, ip, left);`,
  },
  {
    // CLAC and STAC; the fast lines are others then.
    name: "SET_AC",
    code: SLOWLY,
    slow: `if (!setAccess(changetype<Cpu>(cpu), load<u8>(ip, 2))) return leave(LEFT_SYSTEM, block, ip, left);`,
  },
  {
    // Code that can't be executed: y is the vector.
    name: "RAISE",
    code: `store<u32>(cpu, load<u32>(ip, 12), offsetof<Cpu>("fault"));
        store<u32>(cpu, 0, offsetof<Cpu>("faultCode"));
        return leave(LEFT_FAULT, block, ip, left);`,
    branches: true,
  },
];

/** Conditions behind CMP, as comparisons of its operands x and y. */
const AFTER_CMP: readonly (readonly [string, (w: Width) => string])[] = [
  ["B", ({ unsigned: u }) => `<${u}>x < <${u}>y`],
  ["NB", ({ unsigned: u }) => `<${u}>x >= <${u}>y`],
  ["Z", () => "x == y"],
  ["NZ", () => "x != y"],
  ["BE", ({ unsigned: u }) => `<${u}>x <= <${u}>y`],
  ["NBE", ({ unsigned: u }) => `<${u}>x > <${u}>y`],
  ["L", () => "x < y"],
  ["NL", () => "x >= y"],
  ["LE", () => "x <= y"],
  ["NLE", () => "x > y"],
];
/** Conditions behind TEST and other operations whose result r says all. */
const AFTER_LOGIC: readonly (readonly [string, string])[] = [
  ["Z", "r == 0"],
  ["NZ", "r != 0"],
  ["S", "r < 0"],
  ["NS", "r >= 0"],
  ["LE", "r <= 0"],
  ["NLE", "r > 0"],
];

/** Widths that are compared often; 16 bits aren't. */
const COMPARED = WIDTHS.filter(({ bits }) => bits !== 16);

const fused: MicroOp[] = [
  ...(["RR", "RI"] as const).flatMap((form) =>
    COMPARED.flatMap((width) =>
      AFTER_CMP.map(([name, holds]) => ({
        name: `CMP_${form}_${width.bits}_J${name}`,
        code: `const x = load<${width.signed}>(${A});
        const y = ${OPERANDS[form](width)};
        cmp<${width.signed}, ${width.unsigned}>(cpu, x, y);
        ${jumpIf(holds(width))}`,
        branches: true,
      })),
    ),
  ),
  ...(["RR", "RI"] as const).flatMap((form) =>
    COMPARED.flatMap((width) =>
      AFTER_LOGIC.map(([name, holds]) => ({
        name: `TEST_${form}_${width.bits}_J${name}`,
        code: `const r = <${width.signed}>(load<${width.signed}>(${A}) & ${OPERANDS[form](width)});
        logic<${width.signed}>(cpu, r);
        ${jumpIf(holds)}`,
        branches: true,
      })),
    ),
  ),
  ...(["add", "sub", "and"] as const).flatMap((name) =>
    WIDE.flatMap(({ bits, signed, unsigned }) =>
      AFTER_LOGIC.slice(0, 2).map(([condition, holds]) => ({
        name: `${name.toUpperCase()}_RI_${bits}_J${condition}`,
        code: `const slot = ${A};
        ${name}<${name === "and" ? signed : `${signed}, ${unsigned}`}>(cpu, slot, <${signed}>${IMMEDIATE});
        const r = load<${signed}>(slot);
        ${jumpIf(holds)}`,
        branches: true,
      })),
    ),
  ),
  ...(["dec"] as const).flatMap((name) =>
    WIDE.flatMap(({ bits, signed }) =>
      AFTER_LOGIC.slice(0, 2).map(([condition, holds]) => ({
        name: `${name.toUpperCase()}_${bits}_J${condition}`,
        code: `const slot = ${A};
        ${name}<${signed}>(cpu, slot);
        const r = load<${signed}>(slot);
        ${jumpIf(holds)}`,
        branches: true,
      })),
    ),
  ),
];

export const BRANCHES: readonly MicroOp[] = [...conditional, ...jumps, ...fused];
