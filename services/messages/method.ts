/** What a row of the table of methods says. */
import { z } from "zod";
import { type Capability, NAME, parseCapability } from "./scope.ts";

export type HttpVerb = "GET" | "POST" | "PUT" | "DELETE";

export interface Method<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
  readonly summary: string;
  readonly http: readonly [verb: HttpVerb, path: string];
  readonly params: P;
  readonly result: R;
  /** What a client must hold for it; all of them. */
  needs(params: z.infer<P>): readonly Capability[];
}

export function method<P extends z.ZodObject, R extends z.ZodType>(it: Method<P, R>): Method<P, R> {
  return it;
}

const NAME_IS = "1 to 31 small letters, digits, dots, dashes; a letter or digit first";
export const Name = z
  .string()
  .regex(NAME, { error: ({ input }) => `${shown(input)} is no name: ${NAME_IS}` })
  .meta({ example: "worker-1" });
export const Digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "sha256: and 64 hexadecimal digits")
  .meta({ example: `sha256:${"0".repeat(64)}` });
/** As a refusal quotes it. */
const shown = (text: unknown): string => JSON.stringify(String(text).slice(0, 64));

/** Name of an image, its digest, or that of a module. */
export const Reference = z.string().min(1).max(200);
export const CapabilityText = z
  .string()
  .superRefine((text, context) => {
    try {
      parseCapability(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  })
  .meta({ example: "FS_READ:/projects/demo" });

/** Parameters in a URL are text. */
export const Count = z.coerce.number().int();
/** Seconds for which an answer may be held back until there is something to say. */
export const Waiting = z.coerce.number().min(0).max(30).default(0);

/** An agent of a project. */
export const Named = z.object({ name: Name, project: Name.default("default") });
