/** Images that clients bring: verified, kept as objects, and their code made ready to run. */
import { readImage } from "../../sdk/oci/index.ts";
import type { Store } from "../host/store.ts";
import { RequestError } from "../messages/errors.ts";
import type { Preparer } from "./preparer.ts";

/** What a client is told of an image that it has brought. */
export interface ImagePut {
  /** Its identity. */
  readonly digest: string;
  /** Digest of its code. */
  readonly code: string;
  readonly name: string;
  readonly version: string;
}

/** @throws RequestError bad-request: it is no image, or its code can't be prepared */
export async function putImage(
  bytes: Uint8Array,
  { store, preparer }: { readonly store: Store; readonly preparer: Preparer },
): Promise<ImagePut> {
  const image = await readImage(bytes).catch((error: Error) => {
    throw new RequestError("bad-request", `image: ${error.message}`);
  });
  await store.putObject(bytes);
  const code = await store.putObject(image.code);
  if (image.config.runtime === "wasm") await preparer.prepare(code);
  const { name, version } = image.config;
  return { digest: image.digest, code, name, version };
}
