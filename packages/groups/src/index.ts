export type { OnlineList, OnlineMember, OnlinePage, OnlineReader } from './online-list.js';
export type { Encoding, Viewer } from './viewer.js';
