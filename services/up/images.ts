/** Images that clients bring: verified, kept as objects, and their code made ready to run. */
import { verifyImage } from "../../sdk/oci/read.ts";
import type { Store } from "../host/store.ts";
import { RequestError } from "../messages/errors.ts";
import type { Preparer } from "./preparer.ts";

/**
 * Keeps an archive, whose digest is for `image.register`.
 * @throws RequestError bad-request: it is no image, or its code can't be prepared
 */
export async function putImage(
  archive: Uint8Array,
  { store, preparer }: { readonly store: Store; readonly preparer: Preparer },
): Promise<string> {
  const image = await verifyImage(archive).catch((error: Error) => {
    throw new RequestError("bad-request", `image: ${error.message}`);
  });
  const digest = await store.putObject(archive);
  if (image.config.runtime === "wasm") await preparer.prepare(await store.putObject(image.code));
  return digest;
}
