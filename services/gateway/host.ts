/** The gateway on the host's side: its two programs, and who may ask. */
import type { ProgramFunction } from "../../sim/host/programs.ts";
import type { Doors } from "../host/door.ts";
import type { Store } from "../host/store.ts";
import { Access } from "./access.ts";
import { clientProgram } from "./client.ts";
import { Clients } from "./clients.ts";
import { gatewayProgram } from "./gateway.ts";
import { Tokens } from "./tokens.ts";

export interface GatewayParts {
  readonly store: Store;
  readonly doors: Doors;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch: number;
  /** With which a request over TCP is the owner's. */
  readonly ownerToken: string;
}

export async function openGateway({ store, doors, epoch, ownerToken }: GatewayParts): Promise<{
  readonly access: Access;
  readonly programs: { readonly gateway: ProgramFunction; readonly client: ProgramFunction };
}> {
  const door = doors.make();
  const clients = new Clients(door);
  const access = new Access(clients, await Tokens.load(store), ownerToken);
  const gateway = gatewayProgram({ clients, access, door, epoch });
  return { access, programs: { gateway, client: clientProgram({ clients }) } };
}
