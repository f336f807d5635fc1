/** How agents are scheduled unless AgentSchedule or SchedConfigure say otherwise. Portable. */
/** Weight of an agent that asks for none; weights are 1 to 65,536. */
export const WEIGHT_DEFAULT = 1024;
/** Period of balancing, of ageing and of the fair class's reserve, ns. */
export const DEFAULT_EPOCH = 10_000_000;
/** Longest requests of the fair class, and those of foreground agents, ns. */
export const DEFAULT_QUANTUM = 1_000_000;
export const DEFAULT_FOREGROUND = 250_000;
/** The fair class's part of each epoch in 1,024ths: a tenth. */
export const DEFAULT_FAIR_RESERVE = 102;
/** Epochs that the first agent of the idle class waits before it gets a quantum of the fair class's time. */
export const DEFAULT_AGEING = 10;
