/** Methods about agents. */
import { z } from "zod";
import { CapabilityText, Count, method, Name, Named, Reference, Waiting } from "./method.ts";
import { heldBy } from "./mounts.ts";
import { type Capability, parseCapability } from "./scope.ts";
import {
  Agent,
  Arguments,
  Capabilities,
  Environment,
  LogLine,
  Restart,
  RunRequest,
  Snapshot,
  SomeLimits,
  Usage,
} from "./shapes.ts";

/** Bytes that an agent can be given to read in one request; and as base64. */
export const INPUT_BYTES_MAX = 32 * 1024;
const INPUT_TEXT_MAX = 4 * Math.ceil(INPUT_BYTES_MAX / 3);
const AT = "/v1/agents/{project}/{name}";

const on =
  (verb: Capability["verb"]) =>
  (it: { project?: string | undefined }): Capability[] => [{ verb, object: it.project ?? "" }];
const reads = on("PROC_READ");
const spawns = on("PROC_SPAWN");
const controls = on("PROC_CONTROL");
/** Nobody hands on what they don't hold. */
const handsOn = ({ capabilities = [] }: { capabilities?: readonly string[] | undefined }) =>
  capabilities.map(parseCapability);

/** A method that changes an agent: what becomes of it. */
const change = <P extends z.ZodRawShape>(action: string, summary: string, more: P) =>
  method({
    summary,
    http: ["POST", `${AT}/${action}`],
    params: Named.extend(more),
    result: Agent,
    needs: (params) => controls(params as { project: string }),
  });

export const AGENT_METHODS = {
  "agent.run": method({
    summary: "Starts an agent",
    http: ["POST", "/v1/agents"],
    params: RunRequest,
    result: Agent,
    needs: (run) => [...spawns(run), ...handsOn({ capabilities: heldBy(run) })],
  }),
  "agent.list": method({
    summary: "Agents that there are",
    http: ["GET", "/v1/agents"],
    params: z.object({ project: Name.optional() }),
    result: z.array(Agent),
    needs: reads,
  }),
  "agent.inspect": method({
    summary: "All that is known of an agent",
    http: ["GET", AT],
    params: Named,
    result: Agent.extend({ usage: Usage.nullable() }),
    needs: reads,
  }),
  "agent.wait": method({
    summary: "An agent once it is over, or after a time",
    http: ["GET", `${AT}/wait`],
    params: Named.extend({ wait: Waiting }),
    result: Agent,
    needs: reads,
  }),
  "agent.kill": change("kill", "Ends an agent and all below it; it isn't started again", {
    code: z.int().min(0).max(255).default(137),
    /** Seconds that it has after a message {"terminate": code}; then it is ended. */
    grace: z.number().min(0).max(300).default(0),
  }),
  "agent.pause": change("pause", "Suspends an agent", {}),
  "agent.resume": change("resume", "Lets a paused agent go on", {}),
  "agent.start": change("start", "Starts an agent again that is over", {}),
  "agent.update": change("update", "Changes an agent's limits or restart policy", {
    /** Memory can be changed while it doesn't run. */
    limits: SomeLimits.default({}),
    restart: Restart.optional(),
  }),
  "agent.remove": method({
    summary: "Forgets an agent that is over",
    http: ["DELETE", AT],
    params: Named.extend({ force: z.stringbool().or(z.boolean()).default(false) }),
    result: z.object({}),
    needs: controls,
  }),
  /** Its capabilities are those of its original, and whoever makes it holds them, too: see `exec`. */
  "agent.clone": method({
    summary: "Makes a copy of a running agent, which goes on where its original stands",
    http: ["POST", `${AT}/clone`],
    params: Named.extend({ as: Name.optional() }),
    result: Agent,
    needs: (params) => [...controls(params), ...spawns(params)],
  }),
  "agent.snapshot": method({
    summary: "Keeps the state of a running agent",
    http: ["POST", `${AT}/snapshots`],
    params: Named.extend({ id: Name.optional() }),
    result: Snapshot,
    needs: controls,
  }),
  "agent.rollback": change("rollback", "Brings an agent back to the state that a snapshot has", {
    /** Default: its latest one. */
    snapshot: Name.optional(),
  }),
  "snapshot.list": method({
    summary: "Snapshots that there are",
    http: ["GET", "/v1/snapshots"],
    params: z.object({ project: Name.optional() }),
    result: z.array(Snapshot),
    needs: reads,
  }),
  "snapshot.remove": method({
    summary: "Forgets a snapshot",
    http: ["DELETE", "/v1/snapshots/{project}/{id}"],
    params: z.object({ id: Name, project: Name.default("default") }),
    result: z.object({}),
    needs: controls,
  }),
  "agent.exec": method({
    summary: "Starts another image with capabilities of an agent",
    http: ["POST", `${AT}/exec`],
    params: Named.extend({
      image: Reference,
      as: Name.optional(),
      /** What isn't said of arguments and environment is as the image has it; limits, as the agent has them. */
      args: Arguments.optional(),
      env: Environment.default({}),
      stdin: z.boolean().default(false),
      /** Parts of the agent's own; default all of them, each of which is needed. They go when the agent's go. */
      capabilities: Capabilities.optional(),
      limits: SomeLimits.default({}),
    }),
    result: Agent,
    needs: (params) => [...controls(params), ...spawns(params), ...handsOn(params)],
  }),
  "agent.caps": method({
    summary: "Capabilities of an agent",
    http: ["GET", `${AT}/capabilities`],
    params: Named,
    result: z.array(z.object({ text: z.string(), handle: z.int().nullable() })),
    needs: reads,
  }),
  "agent.grant": method({
    summary: "Gives an agent a capability",
    http: ["POST", `${AT}/capabilities`],
    params: Named.extend({ capability: CapabilityText }),
    result: Agent,
    needs: (it) => [...controls(it), parseCapability(it.capability)],
  }),
  "agent.revoke": method({
    summary: "Takes a capability from an agent, and from all to whom it has handed it on, at once",
    http: ["DELETE", `${AT}/capabilities`],
    params: Named.extend({ capability: CapabilityText }),
    result: Agent,
    needs: controls,
  }),
  "agent.input": method({
    summary:
      "Gives an agent bytes to read, as many as it has room for; with wait, once it has some",
    http: ["POST", `${AT}/input`],
    params: Named.extend({
      /** Base64, of 32 KiB at most. */
      data: z.base64().max(INPUT_TEXT_MAX).default(""),
      /** Its input ends behind them, if all of them are taken. */
      end: z.boolean().default(false),
      wait: Waiting,
    }),
    /** Bytes that have been taken, from the first on. */
    result: z.object({ taken: z.int() }),
    needs: controls,
  }),
  "agent.logs": method({
    summary: "What an agent has written, from a line on; with wait, once there is something",
    http: ["GET", `${AT}/logs`],
    params: Named.extend({
      from: Count.min(0).default(0),
      limit: Count.min(1).max(1000).default(1000),
      wait: Waiting,
    }),
    /** `ended`: the agent is over, and these are its last lines. */
    result: z.object({ lines: z.array(LogLine), next: z.int(), ended: z.boolean() }),
    needs: on("LOG_READ"),
  }),
} as const;
