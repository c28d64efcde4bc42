export { FanOut, type FanOutOptions } from './fan-out.js';
export type { Membership, MembershipPhase } from './membership.js';
export type { OnlineList, OnlineMember, OnlinePage, OnlineReader } from './online-list.js';
export type { Encoding, Viewer } from './viewer.js';
