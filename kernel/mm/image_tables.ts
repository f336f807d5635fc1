/**
 * The text of an image that is not native, in tables that all agents share that run it: a table for
 * the first GiB, which spaces of their own link to, and a top-level table for agents without a space.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Image } from "../agent/image";
import { frameAllocZeroed, frameFree, OWNER_PAGE_TABLE } from "./frames";
import { MAP_OK, mapPage, PAGE_4K, paging, PTE_ADDRESS, PTE_USER, unmapPage } from "./paging";

const SHARED_OFFSET: usize = 255 * 8;
const TABLE_BYTES: usize = 4096;

/** Maps the text of `image`, whose frames are there; false, and nothing changed, without frames. */
export function imageMap(image: Image): bool {
  if (image.pages == 0) return true;
  image.root = frameAllocZeroed(0, OWNER_PAGE_TABLE);
  if (image.root == 0) return false;
  paging().tables += 1;
  const root = pointer(image.root);
  memory.copy(root + SHARED_OFFSET, pointer(paging().root) + SHARED_OFFSET, TABLE_BYTES - SHARED_OFFSET);
  for (let page: u32 = 0; page < image.pages; page++) {
    const offset = <u64>page * PAGE_BYTES;
    if (mapPage(image.root, image.base + offset, image.text + offset, PAGE_4K, PTE_USER) == MAP_OK) continue;
    imageUnmap(image);
    return false;
  }
  const first = load<u64>(pointer(load<u64>(root) & PTE_ADDRESS));
  image.directory = first & PTE_ADDRESS;
  return true;
}

/** Gives back the tables of an image that nobody runs any more. */
export function imageUnmap(image: Image): void {
  if (image.root == 0) return;
  for (let page: u32 = 0; page < image.pages; page++)
    unmapPage(image.root, image.base + <u64>page * PAGE_BYTES);
  frameFree(image.root);
  paging().tables -= 1;
  image.root = 0;
  image.directory = 0;
}
