/** Images: what agents are started from. Their archives and their code are objects of the store. */

import { namingImage } from "../../sdk/oci/code.ts";
import { OciError } from "../../sdk/oci/errors.ts";
import { verifyImage } from "../../sdk/oci/read.ts";
import { digestOf } from "../../sdk/oci/write.ts";
import type { Store } from "../host/store.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import type { Image } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import type { Ledger } from "./ledger.ts";
import { IMAGES_MAX } from "./limits.ts";
import type { Objects } from "./objects.ts";
import type { Wishes } from "./wishes.ts";

const IMAGE = "image/";
/** So many of those who want an image are named. */
const NAMED_MAX = 5;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** What a start needs to know of an image. */
export interface Runnable {
  readonly digest: string;
  readonly runtime: Image["runtime"];
  readonly entry: string | null;
  /** Object with its code. */
  readonly code: string;
  /** What the kernel records of its agents. */
  readonly codeDigest: string;
}

/** An image that is not to go. */
export interface WantedImage {
  /** Its reference or its digest. */
  readonly image: string;
  /** Who wants it, as a client is told. */
  readonly by: string;
}

/** The bytes from which the kernel makes its image. */
export async function kernelBytes(store: Store, image: Runnable): Promise<Uint8Array> {
  return image.runtime === "native" ? await store.getObject(image.code) : await namingImage(image);
}

/** Keeps an archive, for `image.register`: on the host's side. @throws OciError */
export async function putImage(store: Store, archive: Uint8Array): Promise<string> {
  await verifyImage(archive);
  return await store.putObject(archive);
}

export interface ImagesParts {
  readonly tasks: Tasks;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly objects: Objects;
  /** What has been made of an image's code isn't needed any more. */
  forget(image: Image): Work<void>;
}

export class Images {
  private readonly tasks: Tasks;
  private readonly store: Store;
  private readonly ledger: Ledger;
  private readonly byDigest = new Map<string, Image>();
  private readonly byReference = new Map<string, string>();

  private readonly objects: Objects;
  private readonly forget: (image: Image) => Work<void>;

  constructor({ tasks, store, ledger, objects, forget }: ImagesParts) {
    this.forget = forget;
    this.tasks = tasks;
    this.store = store;
    this.ledger = ledger;
    this.objects = objects;
  }

  *load(): Work<void> {
    for (const [, image] of yield* this.tasks.host(() => this.store.list(IMAGE)))
      this.set(image as Image);
  }

  /** What clients ask about images; `wanted` says which are not to go. */
  table(wanted: () => Iterable<WantedImage>) {
    const find = this.find.bind(this);
    const list = this.list.bind(this);
    return {
      "image.register": (it: { archive: string; reference?: string }) =>
        this.objects.change(this.register(it)),
      *"image.list"() {
        return list();
      },
      *"image.inspect"({ reference }: { reference: string }) {
        return find(reference);
      },
      "image.remove": ({ reference }: { reference: string }) =>
        this.objects.change(this.remove(reference, wanted())),
    };
  }

  list(): Image[] {
    return [...this.byDigest.values()];
  }

  /** Digests of the objects that they have. */
  named(): string[] {
    return this.list().flatMap(({ archive, code }) => [archive, code]);
  }

  /** By name, or by the image's digest. @throws RequestError not-found */
  find(reference: string): Image {
    const image = this.byDigest.get(this.digestOf(reference));
    if (!image) throw this.missing(reference);
    return image;
  }

  /** As `find`; also a module that lies in the store by itself, by its digest. */
  *runnable(reference: string): Work<Runnable> {
    const digest = this.digestOf(reference);
    const image = this.byDigest.get(digest);
    if (image) return image;
    const isModule =
      DIGEST.test(digest) && (yield* this.tasks.host(() => this.store.hasObject(digest)));
    if (!isModule) throw this.missing(reference);
    const module = { runtime: "wasm", entry: "_start", code: digest } as const;
    const codeDigest = yield* this.tasks.host(async () => digestOf(await namingImage(module)));
    return { ...module, digest, codeDigest };
  }

  /** Of a name without a version, one version may be there, or several. */
  private missing(reference: string): RequestError {
    const remedy = reference.includes(":")
      ? ""
      : "; an image is meant by NAME:VERSION or its digest";
    return new RequestError("not-found", `there is no image ${reference}${remedy}`);
  }

  /** The digest of an image that is there, or what was given. */
  digestOf(reference: string): string {
    return this.byReference.get(reference) ?? reference;
  }

  /** What the author of an image says of its agents; nothing for a module by itself. */
  wishes(digest: string): Wishes {
    const { args = [], env = {}, limits = {} } = this.byDigest.get(digest) ?? {};
    const { milliCpu, ...rest } = limits;
    return {
      ...{ args, env },
      limits: { ...rest, ...(milliCpu !== undefined && { cpu: milliCpu / 1000 }) },
    };
  }

  /** @throws RequestError bad-request, with the place that is wrong in the archive; quota-exceeded */
  *register(asked: { archive: string; reference?: string | undefined }): Work<Image> {
    const { archive } = asked;
    const read = yield* this.tasks.host(() => this.read(archive));
    const { config, digest, codeDigest } = read.image;
    const known = this.byDigest.get(digest);
    if (!known && this.byDigest.size >= IMAGES_MAX)
      throw new RequestError("quota-exceeded", `${IMAGES_MAX} images are the most`);
    const reference = asked.reference ?? read.image.tag ?? `${config.name}:${config.version}`;
    const image: Image = {
      digest,
      reference,
      name: config.name,
      version: config.version,
      runtime: config.runtime,
      entry: config.entry,
      codeDigest,
      code: read.code,
      archive,
      bytes: read.bytes,
      args: [...config.arguments],
      env: { ...config.environment },
      capabilities: [...config.capabilities],
      limits: { ...config.limits } as Image["limits"],
      created: known?.created ?? (yield* this.ledger.now()),
    };
    const before = this.byReference.get(reference);
    const overtaken = before === digest ? undefined : this.byDigest.get(before ?? "");
    const changed = overtaken ? [image, { ...overtaken, reference: null }] : [image];
    for (const it of changed) this.set(it);
    yield* this.ledger.commit(
      changed.map((value) => ({ key: IMAGE + value.digest, value })),
      [{ kind: "image.registered", project: null, name: reference, detail: { digest } }],
    );
    return image;
  }

  /** @throws RequestError not-found, wrong-state: it is one of those that are `wanted` */
  private *remove(reference: string, wanted: Iterable<WantedImage>): Work<object> {
    const image = this.find(reference);
    const { digest, archive, code } = image;
    const by = [...wanted].filter((it) => this.digestOf(it.image) === digest);
    if (by.length > 0)
      throw new RequestError(
        "wrong-state",
        `${reference} is wanted by ${some(by)}; remove it first`,
      );
    this.byDigest.delete(digest);
    if (image.reference) this.byReference.delete(image.reference);
    yield* this.ledger.commit(
      [{ key: IMAGE + digest }],
      [{ kind: "image.removed", project: null, name: image.reference, detail: { digest } }],
    );
    if (!this.list().some((it) => it.codeDigest === image.codeDigest)) yield* this.forget(image);
    yield* this.objects.release([archive, code]);
    return {};
  }

  private set(image: Image): void {
    this.byDigest.set(image.digest, image);
    if (image.reference) this.byReference.set(image.reference, image.digest);
  }

  private async read(archive: string) {
    const bytes = await this.store.getObject(archive);
    try {
      const image = await verifyImage(bytes);
      return { image, bytes: bytes.length, code: await this.store.putObject(image.code) };
    } catch (error) {
      if (error instanceof OciError) throw new RequestError("bad-request", error.message);
      throw error;
    }
  }
}

function some(wanted: readonly WantedImage[]): string {
  const who = [...new Set(wanted.map(({ by }) => by))];
  const more = who.length > NAMED_MAX ? [`${who.length - NAMED_MAX} more`] : [];
  return [...who.slice(0, NAMED_MAX), ...more].join(", ");
}
