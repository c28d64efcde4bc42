/** Entry point `@im/client-sdk/conversations`: private and group conversations of the service `conversation`. */
export type { Conversation } from './conversation.js';
export { type Conversations, type ConversationsPorts, conversations, type LiveMessage } from './conversations.js';
export type { Forgotten } from './excerpt.js';
export type { EventLine, Line, MessageLine, SendState } from './lines.js';
export type { Reach } from './receipts.js';
export type { Entry, MembersData, MessageData, Person, RenamedData, Role, Summary } from './service.js';
