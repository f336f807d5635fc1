/** Modes of AgentUpgrade. Portable. */
/** The new image starts; the old one is kept. */
export const UPGRADE_BEGIN = 0;
/** The new image stays; nothing is kept any more. */
export const UPGRADE_CONFIRM = 1;
/** The old image goes on where it was. */
export const UPGRADE_ROLL_BACK = 2;
