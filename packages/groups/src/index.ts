export { FanOut } from './fan-out.js';
export type { FanOutOptions } from './fan-out-options.js';
export type { Membership, MembershipPhase } from './membership.js';
export { createMemoryOnlineList, type MemoryOnlineListOptions } from './memory-online-list.js';
export {
  MAX_PAGE,
  type OnlineList,
  type OnlineMember,
  type OnlinePage,
  type OnlineReader,
  type PageOptions,
} from './online-list.js';
export type { Encoding, Viewer } from './viewer.js';
