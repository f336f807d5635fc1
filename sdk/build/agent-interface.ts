/**
 * Makes what C and Rust agents know of the kernel from the kernel's own tables: numbers of the calls,
 * statuses, rights, offsets of structures; and a function for each call.
 *
 *   tsx sdk/build/agent-interface.ts
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as states from "../../kernel/agent/states.ts";
import * as rights from "../../kernel/cap/rights.ts";
import * as endpoints from "../../kernel/ipc/endpoint_kinds.ts";
import * as flags from "../../kernel/ipc/flags.ts";
import * as notices from "../../kernel/ipc/notice_kinds.ts";
import * as notifications from "../../kernel/ipc/notify_kinds.ts";
import * as protection from "../../kernel/mm/protection.ts";
import * as cap from "../../kernel/syscall/cap_layouts.ts";
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import * as layouts from "../../kernel/syscall/layouts.ts";
import * as modes from "../../kernel/syscall/modes.ts";
import * as numbers from "../../kernel/syscall/numbers.ts";
import * as status from "../../kernel/syscall/status.ts";
import * as birth from "../../services/messages/birth_layout.ts";
import { cCalls, rustCalls } from "./agent-calls.ts";
import { BINDINGS } from "./aios-bindings.ts";

/** What is written, and from which table. Types of mappings are the kernel's own affair. */
const TABLES: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["Numbers of the system calls (RAX)", numbers],
  ["What a call answers (RAX)", status],
  ["Rights of a capability", rights],
  ["Structures of the calls on agents: offsets in bytes", layouts],
  ["Structures of the calls on capabilities and the audit ring", cap],
  ["Structures of communication", ipc],
  ["Flags and special values of the calls that send, receive and wait", flags],
  ["Types of endpoints", endpoints],
  ["What a notice tells", notices],
  ["Conditions of EndpointNotify", notifications],
  ["Modes of AgentUpgrade", modes],
  ["States, classes, flags and ends of agents", states],
  ["Protection of memory", protection],
  ["What a native agent is told at birth: offsets in bytes", birth],
];

export interface Constant {
  readonly name: string;
  readonly value: number;
}

/** The constants of each table, by its title; by name, since modules have no other order everywhere. */
export function agentConstants(): ReadonlyMap<string, readonly Constant[]> {
  const tables = TABLES.map(([title, table]) => {
    const constants = Object.entries(table)
      .filter((entry): entry is [string, number] => typeof entry[1] === "number")
      .filter(([name]) => !name.startsWith("MAPPING_"))
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return [title, constants] as const;
  });
  return new Map(tables);
}

const NOTE = "Made from the kernel's tables by sdk/build/agent-interface.ts. Do not edit.";

/** Text of sdk/c/aios_constants.h. */
export function cConstants(): string {
  const parts = [...agentConstants()].map(([title, constants]) => {
    const lines = constants.map(({ name, value }) => `#define AIOS_${name} ${value}\n`);
    return `\n/* ${title}. */\n${lines.join("")}`;
  });
  const guard = "AIOS_CONSTANTS_H";
  return `/* ${NOTE} */\n#ifndef ${guard}\n#define ${guard}\n${parts.join("")}\n#endif\n`;
}

/** Text of sdk/rust/src/constants.rs. */
export function rustConstants(): string {
  const parts = [...agentConstants()].map(([title, constants]) => {
    const lines = constants.map(({ name, value }) => `pub const ${name}: u64 = ${value};\n`);
    return `\n// ${title}.\n${lines.join("")}`;
  });
  return `// ${NOTE}\n${parts.join("")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const write = (file: string, text: string) =>
    writeFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), text);
  write("sdk/c/aios_constants.h", cConstants());
  write("sdk/rust/src/constants.rs", rustConstants());
  write("sdk/c/aios_calls.h", cCalls());
  write("sdk/rust/src/sys.rs", rustCalls());
  for (const [file, text] of Object.entries(BINDINGS)) write(file, text());
}
