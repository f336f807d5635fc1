/** What an agent is told at birth as bytes, for agents that are machine code (birth_layout.ts). */
import type { Birth } from "./birth.ts";
import * as layout from "./birth_layout.ts";

const HANDLE_BYTES = 8;

export function birthBytes({ args, env, streams, capabilities, files }: Birth): Uint8Array {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const names = capabilities.map(({ text }) => text);
  const all = [...args, ...variables, ...names].map((text) => `${text}\0`).join("");
  const strings = new TextEncoder().encode(all);
  const stringsAt = layout.BIRTH_HANDLES + HANDLE_BYTES * capabilities.length;
  const bytes = new Uint8Array(stringsAt + strings.length);
  const view = new DataView(bytes.buffer);
  const handle = (at: number, value: number | null | undefined) =>
    view.setBigUint64(at, BigInt(value ?? 0), true);
  handle(layout.BIRTH_MARK, layout.BIRTH_MARK_VALUE);
  for (let n = 0; n < 3; n++) handle(layout.BIRTH_STREAMS + HANDLE_BYTES * n, streams[n]);
  handle(layout.BIRTH_FILES, files);
  view.setUint32(layout.BIRTH_ARGUMENTS, args.length, true);
  view.setUint32(layout.BIRTH_VARIABLES, variables.length, true);
  view.setUint32(layout.BIRTH_CAPABILITIES, names.length, true);
  view.setUint32(layout.BIRTH_STRING_BYTES, strings.length, true);
  capabilities.forEach((it, n) => {
    handle(layout.BIRTH_HANDLES + HANDLE_BYTES * n, it.handle);
  });
  bytes.set(strings, stringsAt);
  return bytes;
}
