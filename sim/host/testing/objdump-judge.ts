/** Whether the disassembler says what GNU objdump says. */
import { FORMS } from "../../spec/isa/forms.ts";
import type { Decoder } from "../decoder.ts";
import { type Disassembled, disassemble } from "../disassemble.ts";
import type { Listed } from "./objdump.ts";
import { knownDifference } from "./objdump-differences.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Words before the name; objdump writes prefixes that do nothing, the disassembler doesn't. */
const PREFIX =
  /^(rex(\.[WRXB]+)?|data(16|32)|addr(16|32)|repn?z|rep|lock|[cdefgs]s|bnd|notrack|xacquire|xrelease|\{.*\})$/;

function withoutPrefixes(text: string): string {
  const words = text.split(" ");
  while (words.length > 1 && PREFIX.test(words[0] ?? "")) words.shift();
  return words.join(" ");
}

/** One line for each instruction that is wrong. */
export function differences(
  decoder: Decoder,
  codes: readonly Uint8Array[],
  listed: readonly Listed[],
  mode: number,
): string[] {
  return codes.flatMap((bytes, at) => {
    const theirs = listed[at] as Listed;
    const ours = disassemble(decoder, bytes, mode, theirs.address);
    if (agree(decoder, ours, theirs)) return [];
    return [`${hex(bytes)}: ${ours.length} ${ours.text}, objdump: ${theirs.length} ${theirs.text}`];
  });
}

const NAMES = new Set(
  FORMS.flatMap(({ mnemonics }) => mnemonics.map((mnemonic) => mnemonic.toLowerCase())),
);

/** Known names of what isn't there: test registers, and what AMD has outside of 64-bit mode. */
const ABSENT = /\btr\d|syscall|sysret|(rd|wr)[fg]sbase/;
/** Rows that take no 66, F2 or F3 (NP), which objdump doesn't mind. */
const NO_PREFIX =
  /(data16|data32|repn?z) .*(f?xsave|f?xrstor|ldmxcsr|stmxcsr|pmovmskb|clac|stac|monitor|mwait|etbv)/;

/** Whether objdump names an instruction of the description where the description has it. */
export function nameIsKnown(text: string): boolean {
  const name = withoutPrefixes(text).split(" ")[0] ?? "";
  return NAMES.has(name) && !ABSENT.test(text) && !NO_PREFIX.test(text);
}

/** Whether the decoder's last instruction, disassembled as `ours`, is what objdump says. */
function agree({ instruction }: Decoder, ours: Disassembled, theirs: Listed): boolean {
  const form = FORMS[instruction.form];
  const bad = theirs.text.includes("(bad)");
  const text = withoutPrefixes(theirs.text);
  if (bad && ours.text === "(bad)") return true;
  if (form !== undefined && knownDifference(form.operation, instruction, theirs.text)) return true;
  if (ours.text !== "(bad)")
    return ours.length === theirs.length && withoutPrefixes(ours.text) === text;
  // Undefined here only: a LOCK that isn't allowed, or of an extension that the description hasn't.
  if (form !== undefined) return instruction.lock !== 0;
  return !nameIsKnown(theirs.text);
}
