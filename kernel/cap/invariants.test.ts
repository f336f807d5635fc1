/** Each named invariant of capabilities and of the audit ring is broken on purpose, and caught. */
import { beforeEach, expect, test } from "vitest";
import { AGENT_DEAD } from "../agent/states.ts";
import * as Views from "../host/views.generated.ts";
import * as invariants from "../invariant_names.ts";
import { KIND_SCOPE } from "../object/kinds.ts";
import { Authority } from "../testing/cap-host.ts";
import { RIGHT_INFO, RIGHTS_ALL } from "./rights.ts";

let authority: Authority;
let agent: number;
let root: Views.Capability;
let child: Views.Capability;
let grandchild: Views.Capability;

beforeEach(async () => {
  authority = await Authority.create();
  agent = authority.agent();
  const top = authority.root(agent);
  const below = authority.grant(top, authority.init);
  root = authority.view(top);
  child = authority.view(below);
  grandchild = authority.view(authority.grant(below, agent, RIGHT_INFO));
  expect(authority.broken).toBe(0);
});

const audit = () => new Views.Audit(authority.world.data, authority.world.kernel.root.audit);

test.each<[string, number, () => void]>([
  [
    "a table that counts one too many",
    invariants.CAPABILITY_IN_ONE_TABLE,
    () => {
      authority.agentView(agent).capabilityCount += 1;
    },
  ],
  [
    "a table that runs in a circle",
    invariants.CAPABILITY_IN_ONE_TABLE,
    () => {
      root.next = authority.agentView(agent).capabilities;
    },
  ],
  [
    "a capability in the table of somebody else",
    invariants.CAPABILITY_IN_ONE_TABLE,
    () => {
      root.agent = BigInt(authority.init);
    },
  ],
  [
    "a capability in no table",
    invariants.CAPABILITY_IN_ONE_TABLE,
    () => {
      const holder = authority.agentView(agent);
      holder.capabilities = grandchild.next;
      authority.view(Number(holder.capabilitiesAt(0).id)).previous = 0;
      holder.capabilityCount -= 1;
    },
  ],
  [
    "one right more than the parent",
    invariants.CAPABILITY_NARROWS,
    () => {
      child.rights = RIGHT_INFO << 1;
      grandchild.rights = RIGHT_INFO;
    },
  ],
  [
    "one nanosecond more than the parent",
    invariants.CAPABILITY_NARROWS,
    () => {
      child.expiry = 99n;
    },
  ],
  [
    "another object than the parent's",
    invariants.CAPABILITY_NARROWS,
    () => {
      child.object = BigInt(authority.init);
    },
  ],
  [
    "a wider scope than the parent's",
    invariants.CAPABILITY_NARROWS,
    () => {
      const all = authority.root(agent, 0, RIGHTS_ALL, KIND_SCOPE);
      authority.view(authority.grant(all, agent)).scopeMask = 1;
    },
  ],
  [
    "a parent below its child",
    invariants.CAPABILITY_TREE_ACYCLIC,
    () => {
      child.depth = 3;
    },
  ],
  [
    "a level beyond the limit",
    invariants.CAPABILITY_TREE_ACYCLIC,
    () => {
      root.depth = 16;
    },
  ],
  [
    "a descendant too few",
    invariants.CAPABILITY_DESCENDANTS_COUNTED,
    () => {
      root.descendants -= 1;
    },
  ],
  [
    "a descendant of nobody",
    invariants.CAPABILITY_DESCENDANTS_COUNTED,
    () => {
      grandchild.descendants += 1;
    },
  ],
  [
    "a dead agent that holds something",
    invariants.CAPABILITY_HOLDER_LIVES,
    () => {
      authority.agentView(agent).state = AGENT_DEAD;
    },
  ],
  [
    "an object of another kind",
    invariants.CAPABILITY_OBJECT_FOUND,
    () => {
      for (const held of [root, child, grandchild]) held.kind = 3;
    },
  ],
  [
    "more records than the ring holds",
    invariants.AUDIT_RING_WITHIN_LIMIT,
    () => {
      audit().written += 4097n;
    },
  ],
  [
    "an act that is neither record nor counted",
    invariants.AUDIT_NOTHING_SILENT,
    () => {
      audit().sequence += 1n;
    },
  ],
  [
    "records out of order",
    invariants.AUDIT_NOTHING_SILENT,
    () => {
      expect(audit().written - audit().drained).toBeGreaterThan(1n);
      audit().recordsAt(Number(audit().drained)).sequence += 100n;
    },
  ],
])("%s is caught", (_, number, breakIt) => {
  breakIt();
  expect(authority.broken).toBe(number);
});
