export { type ClusterMember, type JoinOptions, joinCluster, type MemberNode } from './cluster-member.js';
export type { MemberKeys } from './manager-link.js';
export {
  createNodeManager,
  type ManagerAddress,
  type NodeManagerOptions,
  type ZeromqNodeManager,
} from './zeromq-manager.js';
