/** Capabilities that keep what they name alive: pools, blocks of frames, and images that agents have made. */
import { Image, imageUnname } from "../agent/image";
import { KIND_FRAME, KIND_IMAGE, KIND_POOL } from "../object/kinds";
import { objectFind } from "../object/slab";
import { blockUnname, FrameBlock } from "./frame_block";
import { Pool, poolDrop, poolHold } from "./pool";

/** A capability names `object`, of kind `kind`, from now on. */
export function nameTaken(kind: u32, object: usize): void {
  if (kind == KIND_POOL) poolHold(changetype<Pool>(object));
  else if (kind == KIND_FRAME) changetype<FrameBlock>(object).names += 1;
  else if (kind == KIND_IMAGE) changetype<Image>(object).names += 1;
}

/** A capability that named `id` is gone, and so may be what it named. */
export function nameDropped(kind: u32, id: u64): void {
  if (kind != KIND_POOL && kind != KIND_FRAME && kind != KIND_IMAGE) return;
  const object = objectFind(kind, id);
  if (object == 0) return;
  if (kind == KIND_POOL) poolDrop(changetype<Pool>(object));
  else if (kind == KIND_IMAGE) imageUnname(changetype<Image>(object));
  else blockUnname(changetype<FrameBlock>(object));
}
