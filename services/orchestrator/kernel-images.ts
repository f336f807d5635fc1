/**
 * The kernel's images, from which agents are started: each is made of bytes that name what runs, or that are
 * the code itself, when an agent is first started from it. The kernel hashes them, and its digest is the
 * identity of whoever runs them; so one image of the kernel serves all images of clients with that code.
 *
 * A pool of their own pays. When it has no room for another one, those that were used longest ago give way;
 * the kernel keeps an image as long as an agent runs it. After an end of the orchestrator they are made anew.
 */
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import type { Runnable } from "./images.ts";
import { KERNEL_IMAGES_MAX } from "./limits.ts";

/** There may be room when another image has gone. */
const FULL: readonly string[] = ["QUOTA", "LIMIT", "NO_MEMORY"];

export interface KernelImageParts {
  readonly tasks: Tasks;
  /** Capability to the kernel, with the right to create. */
  readonly kernel: number;
  /** To the pool that pays, and its bytes. */
  readonly pool: number;
  readonly poolBytes: number;
  /** The bytes of an image, whose digest is its code digest. */
  bytesOf(image: Runnable): Promise<Uint8Array>;
}

interface Made {
  readonly capability: number;
  /** Starts that are under way. */
  starts: number;
  /** Agents start others from it. */
  kept: boolean;
}

export class KernelImages {
  private readonly parts: KernelImageParts;
  /** By code digest; what was used longest ago comes first. */
  private readonly made = new Map<string, Made>();

  constructor(parts: KernelImageParts) {
    this.parts = parts;
  }

  /**
   * Gives `start` a capability to the kernel's image, which is made unless it is there.
   * @throws RequestError quota-exceeded: there is no room, though no other one is kept; bad-request: the
   *   kernel refuses the bytes
   */
  *lend<T>(image: Runnable, start: (capability: number) => Work<T>): Work<T> {
    const it = yield* this.of(image);
    it.starts++;
    try {
      return yield* start(it.capability);
    } finally {
      it.starts--;
    }
  }

  /**
   * A capability to the kernel's image, which stays as long as the orchestrator does: agents have it.
   * @throws as `lend`
   */
  *keep(image: Runnable): Work<number> {
    const it = yield* this.of(image);
    it.kept = true;
    return it.capability;
  }

  /** Nothing is started from it any more. */
  *drop(codeDigest: string): Work<void> {
    const it = this.made.get(codeDigest);
    this.made.delete(codeDigest);
    if (it) yield* this.parts.tasks.sys.drop(it.capability);
  }

  private *of(image: Runnable): Work<Made> {
    const { made, parts } = this;
    const { codeDigest } = image;
    const bytes = made.has(codeDigest) ? null : yield* parts.tasks.host(() => parts.bytesOf(image));
    // Another task may have made it meanwhile. From here on nobody else has a turn.
    const known = made.get(codeDigest);
    made.delete(codeDigest);
    const it = known ?? { capability: yield* this.make(image, bytes), starts: 0, kept: false };
    made.set(codeDigest, it);
    return it;
  }

  private *make(image: Runnable, bytes: Uint8Array | null): Work<number> {
    const { tasks, kernel, pool, poolBytes } = this.parts;
    if (!bytes) throw new Error("an image that is there isn't made");
    if (this.made.size >= KERNEL_IMAGES_MAX) yield* this.dropOldest();
    while (true) {
      try {
        return yield* tasks.sys.createImage(bytes, { kernel, pool });
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        const { status } = error;
        if (status === "BAD_IMAGE")
          throw new RequestError("bad-request", `the kernel takes no such code: ${image.digest}`);
        if (!FULL.includes(status)) throw error;
        if (yield* this.dropOldest()) continue;
        const why = `${status}: of ${poolBytes} bytes, images of agents that run leave no room for ${bytes.length}`;
        throw new RequestError("quota-exceeded", why);
      }
    }
  }

  /** Whether there was one from which nothing is being started. */
  private *dropOldest(): Work<boolean> {
    for (const [codeDigest, { starts, kept }] of this.made) {
      if (starts > 0 || kept) continue;
      yield* this.drop(codeDigest);
      return true;
    }
    return false;
  }
}
