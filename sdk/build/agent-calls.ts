/**
 * The system calls as functions, in C and in Rust: their arguments by name (docs/syscalls.md says what they
 * mean). Numbers come from the kernel's table; a test holds the arguments against the documentation.
 */
import * as numbers from "../../kernel/syscall/numbers.ts";

/**
 * NAME, what the capability is to, arguments a1 to a5. An address is marked: `*` where the kernel may write,
 * `&` where it only reads.
 */
const TABLE = `
  AGENT_SPAWN       pool        spawn*
  AGENT_CLONE       agent       clone*
  AGENT_SPLIT       agent       split*
  AGENT_MERGE       agent       survivor
  AGENT_UPGRADE     agent       image mode argument
  AGENT_SPECIALIZE  agent       rights
  AGENT_SUSPEND     agent
  AGENT_RESUME      agent
  AGENT_KILL        agent       code
  AGENT_INFO        agent       info* bytes
  IMAGE_OPEN        kernel      name& bytes
  IMAGE_CREATE      kernel      pool bytes
  IMAGE_APPEND      image       from& bytes
  IMAGE_SEAL        image
  CAP_DERIVE        capability  derive&
  CAP_REVOKE        capability  itself
  CAP_INSPECT       capability  token_out* token_in& rights scope& agent
  RANDOM_GET        self        buffer* bytes
  AUDIT_APPEND      kernel      text& bytes
  AUDIT_DRAIN       kernel      records* bytes
  CONSOLE_WRITE     kernel      text& bytes
  AGENT_SCHEDULE    agent       schedule&
  SCHED_CONFIGURE   kernel      configure&
  YIELD             self
  AGENT_POOL_ALLOC  pool        bytes
  AGENT_MEM_ALLOC   pool        bytes address protection
  AGENT_MEM_FREE    pool        address bytes
  PAGE_PROTECT      self        address bytes protection
  REGION_SHARE      pool        address bytes
  REGION_MAP        region      address protection
  REGION_UNMAP      region      address
  FRAME_ALLOC       pool        order
  FRAME_FREE        frames
  PAGE_MAP          frames      address protection
  PAGE_UNMAP        self        address bytes
  PREDICTION_WRITE  kernel      predictions& count
  IPC_SEND          to          payload& bytes flags capability
  IPC_RECV          from        buffer* bytes header*
  ENDPOINT_CREATE   pool        type capacity
  ENDPOINT_CLOSE    endpoint
  PIPE_WRITE        pipe        from& bytes
  PIPE_READ         pipe        into* bytes
  EVENT_SIGNAL      endpoint    count
  ENDPOINT_NOTIFY   endpoint    queue condition tag least
  KERNEL_INFO       kernel      info* bytes
  LINK_OPEN         kernel      queue mac
  LINK_SEND         queue       frame& bytes
  TIMER_SET         self        timer first period
  WAIT              self        list& count deadline flags notice*
  DONATE_TO         agent       deadline
  PQC_OPERATION     self        number input& bytes result* result_bytes_max
  PQC_TAKE          kernel      operation* buffer* bytes
  PQC_COMPLETE      kernel      operation code result& bytes
`;

export interface CallArgument {
  readonly name: string;
  /** An address that the kernel reads at, or may write to; else a number. */
  readonly address: "read" | "write" | null;
}

export interface AgentCall {
  /** As in kernel/syscall/numbers.ts, without SYSCALL_. */
  readonly name: string;
  readonly number: number;
  readonly capability: string;
  readonly arguments: readonly CallArgument[];
}

const MARKS = { "*": "write", "&": "read" } as const;

function argumentOf(text: string): CallArgument {
  const mark = text.at(-1);
  if (mark !== "*" && mark !== "&") return { name: text, address: null };
  return { name: text.slice(0, -1), address: MARKS[mark] };
}

/** @throws Error for a name that the kernel doesn't know */
export function agentCalls(): AgentCall[] {
  const known = numbers as Readonly<Record<string, number>>;
  return TABLE.trim()
    .split("\n")
    .map((line) => {
      const [name = "", capability = "", ...words] = line.trim().split(/\s+/);
      const number = known[`SYSCALL_${name}`];
      if (number === undefined) throw new Error(`${name} is no system call`);
      return { name, number, capability, arguments: words.map(argumentOf) };
    });
}

const ARGUMENTS = 5;
const NOTE = "Made from sdk/build/agent-calls.ts by sdk/build/agent-interface.ts. Do not edit.";
const padded = (texts: readonly string[]) =>
  Array.from({ length: ARGUMENTS }, (_, index) => texts[index] ?? "0").join(", ");

const C_TYPES = { read: "const void *", write: "void *" } as const;

/** Text of sdk/c/aios_calls.h. */
export function cCalls(): string {
  const functions = agentCalls().map((call) => {
    const parameters = call.arguments.map(({ name, address }) =>
      address === null ? `uint64_t ${name}` : `${C_TYPES[address]}${name}`,
    );
    const values = call.arguments.map(({ name, address }) =>
      address === null ? name : `aios_address(${name})`,
    );
    const head = [
      `uint64_t ${call.capability === "capability" ? "of" : call.capability}`,
      ...parameters,
    ];
    const cap = call.capability === "capability" ? "of" : call.capability;
    return (
      `static inline struct aios_result aios_sys_${call.name.toLowerCase()}(${head.join(", ")}) {\n` +
      `  return aios_call(AIOS_SYSCALL_${call.name}, ${cap}, ${padded(values)});\n}\n`
    );
  });
  return `/* ${NOTE} */\n#ifndef AIOS_CALLS_H\n#define AIOS_CALLS_H\n\n${functions.join("\n")}\n#endif\n`;
}

const RUST_TYPES = { read: "*const u8", write: "*mut u8" } as const;
/** `self` and `type` mean something else in Rust. */
const RUST_NAMES: Readonly<Record<string, string>> = {
  self: "this",
  type: "kind",
  capability: "of",
};
const rustName = (name: string) => RUST_NAMES[name] ?? name;

/** Text of sdk/rust/src/sys.rs. */
export function rustCalls(): string {
  const functions = agentCalls().map((call) => {
    const parameters = call.arguments.map(
      ({ name, address }) =>
        `${argumentName(name)}: ${address === null ? "u64" : RUST_TYPES[address]}`,
    );
    const values = call.arguments.map(({ name, address }) =>
      address === null ? argumentName(name) : `${argumentName(name)} as u64`,
    );
    const head = [`${rustName(call.capability)}: u64`, ...parameters].join(", ");
    return (
      `/// # Safety\n/// As [\`call\`].\n#[inline]\npub unsafe fn ${rustFunction(call)}(${head}) -> Answer {\n` +
      `    unsafe { call(SYSCALL_${call.name}, ${rustName(call.capability)}, [${padded(values)}]) }\n}\n`
    );
  });
  const head = "//! All system calls, a function each (docs/syscalls.md).\n";
  return `// ${NOTE}\n${head}use crate::{call, constants::*, Answer};\n\n${functions.join("\n")}`;
}

/** Name of a call's function in Rust, where `yield` is a word of the language. */
export const rustFunction = ({ name }: AgentCall): string =>
  name === "YIELD" ? "yield_now" : name.toLowerCase();
const argumentName = (name: string) => (name === "type" ? "kind" : name);
