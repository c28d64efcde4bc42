/**
 * How much a workload does. full: figures to publish. quick: figures for an impression. smoke: proves that the programs
 * work; its figures mean nothing.
 */
export type Scale = 'full' | 'quick' | 'smoke';
