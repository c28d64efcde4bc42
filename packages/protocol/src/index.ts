export { askedId, askingId, isAsking } from './asking-id.js';
export { CLOSE_CODES, type CloseName, shouldReconnect } from './close-codes.js';
export type { ClientCodec, ServerCodec } from './codec.js';
export { CodedError, type ErrorBody, type ErrorDetails } from './coded-error.js';
export type { Conflation, Delivery, Publication, Terms } from './delivery.js';
export {
  type Attributes,
  type CallerContext,
  CONNECTION_HEADER,
  EFFECTS_HEADER,
  type Effect,
  KICK_EVENT,
} from './effects.js';
export { ERROR_CODES, type ErrorName, errorName, FIRST_APPLICATION_CODE } from './error-codes.js';
export { isEventName } from './event-name.js';
export {
  EVERYONE,
  type GroupId,
  isGroupId,
  isName,
  isProduct,
  type Lane,
  MAX_GROUP_ID_LENGTH,
  parseGroupId,
  parseTopic,
  roomGroup,
  topicOf,
  userGroup,
  withoutProduct,
  withProduct,
} from './group-id.js';
export { ImError, type ImErrorOptions } from './im-error.js';
export { isJsonBody } from './json/body.js';
export { jsonClientCodec } from './json/client-codec.js';
export { jsonServerCodec } from './json/server-codec.js';
export {
  DEFAULT_LIMITS,
  type Limits,
  MAX_BODY_BYTES,
  MAX_ID_LENGTH,
  MAX_NESTING,
  MAX_POSITIONS,
  MAX_SYNC,
  MAX_TOKEN_LENGTH,
} from './limits.js';
export type {
  Call,
  Cancel,
  ClientMessage,
  Drain,
  ErrorMessage,
  Hello,
  InvalidCommand,
  Joined,
  JoinedGroup,
  Left,
  LeftGroup,
  Missed,
  Ping,
  Pong,
  Position,
  Positions,
  Push,
  ReceivedCommand,
  Reply,
  Reset,
  ServerMessage,
  Shed,
  ShedReason,
  Sync,
  Synced,
  Ticket,
  UnknownCommand,
  Welcome,
} from './messages.js';
export { faultOfTerms, isLabel, type TermsFault } from './terms.js';
