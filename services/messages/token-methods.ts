/** Methods about tokens of clients. The gateway answers them itself. */
import { z } from "zod";
import { method } from "./method.ts";
import { parseCapability } from "./scope.ts";
import { Capabilities } from "./shapes.ts";

const ADMIN = { verb: "TOKEN_ADMIN", object: "" } as const;
const Label = z.string().min(1).max(64).meta({ example: "continuous integration" });
const TokenId = z
  .string()
  .regex(/^[0-9a-f]{12}$/, "12 hexadecimal digits")
  .meta({ example: "0123456789ab" });
/** 32 years or so. */
const SECONDS_MAX = 1_000_000_000;

export const Token = z.object({
  /** Its public name: the first digits of the SHA-256 of the token. */
  id: TokenId,
  name: Label,
  capabilities: z.array(z.string()),
  /** Seconds since 1970. */
  created: z.number(),
  expires: z.number().nullable(),
  /** The token with which it was made, and with which it goes; null for the owner. */
  by: TokenId.nullable(),
});
export type Token = z.infer<typeof Token>;

export const TOKEN_METHODS = {
  "token.create": method({
    summary: "Makes a token with capabilities that its maker has; it is shown this once",
    http: ["POST", "/v1/tokens"],
    params: z.object({
      name: Label,
      capabilities: Capabilities,
      /** Seconds from now; without, it lasts as long as that with which it is made. */
      expires: z.number().min(1).max(SECONDS_MAX).optional(),
    }),
    result: Token.extend({ token: z.string() }),
    needs: ({ capabilities }) => [ADMIN, ...capabilities.map(parseCapability)],
  }),
  "token.list": method({
    summary: "Tokens that there are",
    http: ["GET", "/v1/tokens"],
    params: z.object({}),
    result: z.array(Token),
    needs: () => [ADMIN],
  }),
  "token.revoke": method({
    summary: "Revokes a token and all that were made with it, at once",
    http: ["DELETE", "/v1/tokens/{id}"],
    params: z.object({ id: TokenId }),
    result: z.object({ revoked: z.array(TokenId) }),
    needs: () => [ADMIN],
  }),
} as const;
