/** Who answers what modules import: WASI and "aios", with one knowledge of whom the agent can reach. */
import type { Birth } from "../messages/birth.ts";
import { aiosPersonality } from "./aios.ts";
import { Contacts } from "./contacts.ts";
import type { Personality } from "./personality.ts";
import { wasiPersonality } from "./wasi.ts";

/** @param epoch seconds since 1970 at which the machine was turned on */
export function modulePersonalities(told: Birth, epoch = 0): Personality[] {
  const contacts = new Contacts(told);
  return [wasiPersonality({ ...told, epoch }, contacts), aiosPersonality(told, contacts)];
}
