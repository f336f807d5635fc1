/** The services that init starts, in this order, and what each is given. */
import {
  RIGHT_AUDIT,
  RIGHT_CREATE,
  RIGHT_DERIVE,
  RIGHT_DRAIN,
  RIGHT_EXECUTE,
  RIGHT_INFO,
  RIGHT_WRITE,
} from "../../kernel/cap/rights.ts";

export interface ServiceSpec {
  /** Its image in the bundle, its program, and its name as a peer. */
  readonly name: string;
  /** Bytes of its pool. */
  readonly quota: number;
  /** Rights of its capability to the kernel. */
  readonly kernel: number;
  /** Whether it holds all scopes, to give parts of them to others. */
  readonly scopes: boolean;
  /** It has another pool, which lasts when it ends: the orchestrator's, for the kernel's images. */
  readonly images?: true;
  /** Services to which it is introduced. */
  readonly peers: readonly string[];
}

/** What a link to the machine's network needs, by which a service hears of its host (host/door.ts). */
const DOOR = RIGHT_CREATE;
const MIB = 1024 * 1024;

/** Bytes for the kernel's images, of all memory: machine code is twice there while an image is made of it. */
export const imageBytes = (memory: number): number => Math.max(48 * MIB, Math.floor(memory / 8));

export const SERVICES: readonly ServiceSpec[] = [
  { name: "logs", quota: 16 * MIB, kernel: DOOR, scopes: false, peers: [] },
  { name: "files", quota: 16 * MIB, kernel: DOOR, scopes: false, peers: [] },
  {
    name: "orchestrator",
    quota: 16 * MIB,
    images: true,
    kernel:
      DOOR | RIGHT_EXECUTE | RIGHT_DERIVE | RIGHT_INFO | RIGHT_AUDIT | RIGHT_DRAIN | RIGHT_WRITE,
    scopes: false,
    peers: ["init", "logs"],
  },
  {
    name: "gateway",
    quota: 64 * MIB,
    kernel: DOOR | RIGHT_EXECUTE | RIGHT_DERIVE,
    scopes: true,
    peers: ["orchestrator"],
  },
];
