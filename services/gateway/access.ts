/** Who asks: from what a request shows to the client whose agent will ask. */
import { RequestError } from "../messages/errors.ts";
import { type ClientSide, type Clients, type Holder, OWNER } from "./clients.ts";
import { digestOf, sameDigest, type Tokens } from "./tokens.ts";

const BEARER = /^Bearer ([\x21-\x7e]{1,200})$/i;

export class Access {
  /** Who may all: what comes through the socket, or has the owner's token. */
  readonly owner: ClientSide;
  readonly tokens: Tokens;
  private readonly clients: Clients;
  private readonly ownerDigest: string;
  private readonly byToken = new Map<string, ClientSide>();

  constructor(clients: Clients, tokens: Tokens, ownerToken: string) {
    this.clients = clients;
    this.tokens = tokens;
    this.ownerDigest = digestOf(ownerToken);
    this.owner = clients.open(OWNER);
  }

  /** A client that has no token. */
  open(holder: Holder): ClientSide {
    return this.clients.open(holder);
  }

  /** By the header of a request. @throws RequestError bad-token */
  byHeader(authorization: string | undefined): ClientSide {
    const [, token] = BEARER.exec(authorization ?? "") ?? [];
    if (token === undefined)
      throw new RequestError("bad-token", "a token is needed: Authorization: Bearer aios_…");
    return this.byTokenText(token);
  }

  /** @throws RequestError bad-token: it isn't known, is over, or was revoked */
  byTokenText(token: string): ClientSide {
    if (sameDigest(digestOf(token), this.ownerDigest)) return this.owner;
    const record = this.tokens.find(token);
    if (!record)
      throw new RequestError("bad-token", "the token isn't known, is over, or was revoked");
    const known = this.byToken.get(record.id);
    if (known) return known;
    this.closeOver();
    const client = this.clients.open(record);
    this.byToken.set(record.id, client);
    return client;
  }

  /** Lets go of clients whose token is over. */
  private closeOver(now = Date.now() / 1000): void {
    const why = new RequestError("bad-token", "the token is over");
    for (const [id, client] of this.byToken) {
      const { expires } = client.holder;
      if (expires === null || expires > now) continue;
      this.byToken.delete(id);
      this.clients.close(client, why);
    }
  }

  /** Revokes a token and those made with it; requests under way are refused. @throws RequestError not-found */
  async revoke(id: string): Promise<string[]> {
    const gone = await this.tokens.revoke(id);
    const why = new RequestError("bad-token", "the token was revoked");
    for (const each of gone) {
      const client = this.byToken.get(each);
      this.byToken.delete(each);
      if (client) this.clients.close(client, why);
    }
    return gone;
  }
}
