/** Trace records as events with names: what happened, where, with which figures. */
import * as Trace from "../spec/trace.ts";

/** The figures of an event, as fields of a record of sim/spec/trace.ts. */
interface Shape {
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
  /** The IOMMU refused an access. */
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
} as const satisfies Record<string, Shape>;

/** Figures of 32 bits are numbers, those of 64 bits bigints. */
type Figures<F> = { readonly [K in keyof F]: F[K] extends "a" ? number : bigint };
type Source<S> = S extends "cpu"
  ? { readonly cpu: number }
  : S extends "device"
    ? { readonly device: number }
    : unknown;

export type SimEventKind = keyof typeof SHAPES;
/** An event of the machine; `time` in ns; `device` is a PCI function, bus << 8 | dev << 3 | fn. */
export type SimEvent<K extends SimEventKind = SimEventKind> = K extends SimEventKind
  ? { readonly kind: K; readonly time: bigint } & Source<(typeof SHAPES)[K]["source"]> &
      Figures<(typeof SHAPES)[K]["fields"]>
  : never;

const byNumber = new Map<number, [SimEventKind, Shape]>(
  Object.entries(SHAPES).map(([name, shape]) => [shape.kind, [name as SimEventKind, shape]]),
);

export function isSimEventKind(kind: string): kind is SimEventKind {
  return Object.hasOwn(SHAPES, kind);
}

/** The number of a kind: its bit in HostControl.breakKinds. */
export function simEventNumber(kind: SimEventKind): number {
  return SHAPES[kind].kind;
}

/** Decodes the record of 32 bytes at linear address `at`; null for a kind without a name. */
export function decodeSimEvent(data: DataView, at: number): SimEvent | null {
  const known = byNumber.get(data.getUint16(at + 8, true));
  if (!known) return null;
  const [kind, shape] = known;
  const event: Record<string, unknown> = { kind, time: data.getBigUint64(at, true) };
  if (shape.source) event[shape.source] = data.getUint16(at + 10, true);
  for (const [name, field] of Object.entries(shape.fields))
    event[name] =
      field === "a"
        ? data.getUint32(at + 12, true)
        : data.getBigUint64(at + (field === "b" ? 16 : 24), true);
  return event as unknown as SimEvent;
}
