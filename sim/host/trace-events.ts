/** Trace records as events with names: what happened, where, with which figures. */
import * as Trace from "../spec/trace.ts";

/** The machine's ring (sim/core/trace.ts), and the kernel's own in RAM (kernel/trace.ts). */
export type Ring = "sim" | "kernel";

/** The figures of an event, as fields of a record: sim/spec/trace.ts, or kernel/trace.ts. */
interface Shape {
  /** "sim" when not said. */
  readonly ring?: Ring;
  readonly kind: number;
  /** What the record's source is. */
  readonly source: "cpu" | "device" | null;
  /** Name of each figure and the field that has it. */
  readonly fields: Readonly<Record<string, "a" | "b" | "c">>;
}

const SHAPES = {
  /** An interrupt or exception is delivered to a CPU. */
  interrupt: {
    kind: Trace.TRACE_INTERRUPT,
    source: "cpu",
    fields: { vector: "a", errorCode: "b" },
  },
  /** Its handler is done. */
  "interrupt-end": { kind: Trace.TRACE_INTERRUPT_END, source: "cpu", fields: { vector: "a" } },
  halt: { kind: Trace.TRACE_HALT, source: "cpu", fields: {} },
  wake: { kind: Trace.TRACE_WAKE, source: "cpu", fields: {} },
  "page-fault": {
    kind: Trace.TRACE_PAGE_FAULT,
    source: "cpu",
    fields: { errorCode: "a", address: "b" },
  },
  /** An inter-processor interrupt is sent. */
  ipi: { kind: Trace.TRACE_IPI, source: "cpu", fields: { destination: "a", command: "b" } },
  /** A device fetched a command. */
  command: {
    kind: Trace.TRACE_COMMAND,
    source: "device",
    fields: { queue: "a", commandId: "b", opcode: "c" },
  },
  "command-completed": {
    kind: Trace.TRACE_COMPLETION,
    source: "device",
    fields: { queue: "a", commandId: "b", status: "c" },
  },
  /** A device wrote a message-signalled interrupt. */
  msi: { kind: Trace.TRACE_MSI, source: "device", fields: { address: "b", data: "c" } },
  /** The IOMMU refused an access or, with reasons from 0x20 on, an interrupt. */
  "dma-fault": {
    kind: Trace.TRACE_DMA_FAULT,
    source: "device",
    fields: { reason: "a", address: "b" },
  },
  /** An armed fault took effect. */
  fault: { kind: Trace.TRACE_FAULT, source: "device", fields: { fault: "a" } },
  /** A CPU was started by a startup IPI. */
  startup: { kind: Trace.TRACE_STARTUP, source: "cpu", fields: { vector: "a" } },
  /** An interrupt line changed. */
  line: { kind: Trace.TRACE_LINE, source: null, fields: { line: "a", level: "b" } },
  /** A network frame was sent (direction 0) or received (1). */
  frame: { kind: Trace.TRACE_FRAME, source: "device", fields: { direction: "a", bytes: "b" } },
  /** A synthetic program marked a point (OP_MARK). */
  mark: { kind: Trace.TRACE_MARK, source: "cpu", fields: { point: "b", value: "c" } },
  /** The kernel mapped a page of 2^order bytes; breaks after the micro-step in which it did. */
  "page-mapped": {
    ring: "kernel",
    kind: 1,
    source: null,
    fields: { order: "a", address: "b", physical: "c" },
  },
  "page-unmapped": {
    ring: "kernel",
    kind: 2,
    source: null,
    fields: { order: "a", address: "b", physical: "c" },
  },
  /** The kernel begins a stage of its boot. */
  stage: { ring: "kernel", kind: 3, source: null, fields: { stage: "a" } },
} as const satisfies Record<string, Shape>;

/** Figures of 32 bits are numbers, those of 64 bits bigints. */
type Figures<F> = { readonly [K in keyof F]: F[K] extends "a" ? number : bigint };
type Source<S> = S extends "cpu"
  ? { readonly cpu: number }
  : S extends "device"
    ? { readonly device: number }
    : unknown;

export type EventKind = keyof typeof SHAPES;
/** An event of the machine; `time` in ns; `device` is a PCI function, bus << 8 | dev << 3 | fn. */
export type MachineEvent<K extends EventKind = EventKind> = K extends EventKind
  ? { readonly kind: K; readonly time: bigint } & Source<(typeof SHAPES)[K]["source"]> &
      Figures<(typeof SHAPES)[K]["fields"]>
  : never;

const keyOf = (ring: Ring, kind: number) => `${ring} ${kind}`;
const byNumber = new Map<string, [EventKind, Shape]>(
  Object.entries(SHAPES).map(([name, shape]: [string, Shape]) => [
    keyOf(shape.ring ?? "sim", shape.kind),
    [name as EventKind, shape],
  ]),
);

/** Where a kind is recorded. */
export function eventRing(kind: EventKind): Ring {
  const shape: Shape = SHAPES[kind];
  return shape.ring ?? "sim";
}

export function isEventKind(kind: string): kind is EventKind {
  return Object.hasOwn(SHAPES, kind);
}

/** The number of a kind in its ring; for the machine's, its bit in HostControl.breakKinds. */
export function eventNumber(kind: EventKind): number {
  return SHAPES[kind].kind;
}

/** Bytes of a record in either ring. */
export const RECORD_BYTES = 32;

/** Decodes the record at linear address `at`; null for a kind without a name. */
export function decodeEvent(ring: Ring, data: DataView, at: number): MachineEvent | null {
  // The machine's records have a source in the upper half of the word that has the kernel's kind.
  const kind = ring === "sim" ? data.getUint16(at + 8, true) : data.getUint32(at + 8, true);
  const known = byNumber.get(keyOf(ring, kind));
  if (!known) return null;
  const [name, shape] = known;
  const event: Record<string, unknown> = { kind: name, time: data.getBigUint64(at, true) };
  if (shape.source) event[shape.source] = data.getUint16(at + 10, true);
  for (const [figure, field] of Object.entries(shape.fields))
    event[figure] =
      field === "a"
        ? data.getUint32(at + 12, true)
        : data.getBigUint64(at + (field === "b" ? 16 : 24), true);
  return event as unknown as MachineEvent;
}
