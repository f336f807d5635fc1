/**
 * What capabilities name that are no scopes: other agents of the project, and images. A name stands for
 * whoever runs under it, so holders hear of each of its lives; in between they hold what is worth nothing.
 */
import type { Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { kindOf, parseCapability } from "../messages/scope.ts";
import { type Located, lifeKey, type Meant } from "../messages/system.ts";
import type { Fleet } from "./fleet.ts";
import type { Images, Runnable } from "./images.ts";
import type { KernelImages } from "./kernel-images.ts";
import type { Ledger } from "./ledger.ts";
import { type AgentRecord, isLive, keyOf, lifeOf } from "./record.ts";

export interface LinksParts {
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly images: Images;
  readonly kernelImages: KernelImages;
}

type Meanings = Readonly<Record<string, Meant>>;
/** Who is to be told what its names mean, and where that is. */
interface Holder extends Located {
  readonly project: string;
}

export class Links {
  private readonly parts: LinksParts;
  private readonly ready: (image: Runnable) => Work<void>;

  /** `ready` makes code ready to run. */
  constructor(parts: LinksParts, ready: (image: Runnable) => Work<void>) {
    this.parts = parts;
    this.ready = ready;
  }

  /**
   * What capabilities mean now that are no scopes, by their texts. Images are in the holder's shard then.
   * @throws RequestError there is no such image; it can't be run
   */
  *meant(holder: Holder, capabilities: readonly string[]): Work<Meanings> {
    const meant: Record<string, Meant> = {};
    for (const text of capabilities) {
      const kind = kindOf(parseCapability(text));
      if (kind === "agent") meant[text] = { agent: this.lifeBy(holder.project, text) };
      if (kind === "image") meant[text] = yield* this.handImage(holder, text);
    }
    return meant;
  }

  /** The same of an agent that there is; nothing goes to one that doesn't run. @throws as `meant` */
  *meantFor(record: AgentRecord, capabilities: readonly string[]): Work<Meanings> {
    if (isLive(record)) return yield* this.meant(holderOf(record), capabilities);
    for (const text of capabilities) {
      const { object } = parseCapability(text);
      if (kindOf(parseCapability(text)) === "image") yield* this.parts.images.runnable(object);
    }
    return {};
  }

  private *handImage({ project, ...holder }: Holder, text: string): Work<Meant> {
    const { images, kernelImages, fleet } = this.parts;
    try {
      const image = yield* images.runnable(parseCapability(text).object);
      yield* this.ready(image);
      const parcel = `${lifeKey(holder)} ${text}`;
      const made = yield* kernelImages.keep(image);
      yield* fleet.hand(project, holder.shard, { parcel }, made);
      return { image: parcel };
    } catch (error) {
      const { code, message } = RequestError.from(error);
      throw new RequestError(code, `capability ${text}: ${message}`);
    }
  }

  /**
   * An agent has begun a life: whoever has its name hears of it. It hears of those that have begun
   * since it was told what its own names mean.
   */
  *began(record: AgentRecord, told: Meanings): Work<void> {
    const { project, name } = record.view;
    const text = `IPC_SEND:${name}`;
    for (const holder of [...this.parts.ledger.agents.values()])
      if (holder.view.project === project && holder.view.capabilities.includes(text))
        yield* this.tell(holder, text);
    yield* this.catchUp(record, told);
  }

  /** Tells a holder what its names mean now that meant something else, or nothing, when it was told. */
  *catchUp(record: AgentRecord, told: Meanings = {}): Work<void> {
    for (const text of record.view.capabilities) {
      const kind = kindOf(parseCapability(text));
      if (kind === "image" && !told[text]) yield* this.tell(record, text);
      if (kind !== "agent") continue;
      const before = told[text];
      const then = before && "agent" in before ? before.agent : null;
      const now = this.lifeBy(record.view.project, text);
      if (now && (now.uid !== then?.uid || now.run !== then.run)) yield* this.tell(record, text);
    }
  }

  private *tell(holder: AgentRecord, text: string): Work<void> {
    if (!isLive(holder)) return;
    try {
      const meant = yield* this.meant(holderOf(holder), [text]);
      yield* this.parts.fleet.askFor(holder, "link", { text, meant: meant[text] });
    } catch (error) {
      // It has ended, and is told when it begins again; or it may not any more.
      if (!(error instanceof RequestError)) throw error;
    }
  }

  /** The life of whoever runs under the name; null while nobody does. */
  private lifeBy(project: string, text: string): Located | null {
    const { object: name } = parseCapability(text);
    const record = this.parts.ledger.agents.get(keyOf({ project, name }));
    return record && isLive(record) ? { ...lifeOf(record), shard: record.shard } : null;
  }
}

const holderOf = (record: AgentRecord): Holder => ({
  ...lifeOf(record),
  shard: record.shard,
  project: record.view.project,
});
