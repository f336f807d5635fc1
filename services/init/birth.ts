import type { Child } from "../../sdk/agent/births.ts";
import type { Birth } from "../messages/birth.ts";
import { birthBytes } from "../messages/birth-bytes.ts";
import { encode } from "../messages/json.ts";
import { nameOf } from "../messages/scope.ts";
import type { SpawnSpec } from "../messages/system.ts";
import type { Granted } from "./grants.ts";

/** What a new agent is told: machine code in a form that needs no parser, the others in JSON. */
export function birthOf(spec: SpawnSpec, child: Child, granted: readonly Granted[]): Uint8Array {
  const [stdout = null, stderr = null, files = null, news = null, ...more] = child.grants;
  const [stdin = null] = more;
  const birth: Birth = {
    args: [spec.name, ...spec.args],
    env: { ...spec.env },
    streams: [stdin, stdout, stderr],
    capabilities: granted.map(({ text, handle, alone }) => ({
      ...{ text: nameOf(text), handle: handle ?? 0 },
      ...(alone && { alone }),
    })),
    ...{ files, news },
    ...(spec.mounts && { mounts: [...spec.mounts] }),
    ...(spec.state !== undefined && { state: spec.state }),
    ...(spec.keepAs !== undefined && { keepAs: spec.keepAs }),
  };
  return spec.native ? birthBytes(birth) : encode(birth);
}
