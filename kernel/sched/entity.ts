/** What is scheduled. */
import { KernelObject } from "../object/slab";

@unmanaged
export class Entity extends KernelObject {
  weight: u32;
  slice: u32;
}
