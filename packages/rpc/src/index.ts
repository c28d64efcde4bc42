export type { ServiceLimits } from './broker/create-broker-core.js';
export type { TapFilter, TappedCall } from './broker/taps.js';
export { BROKER_SERVICE, type BrokerStats, type ServiceStatus, type WorkerStatus } from './broker-status.js';
export { Cancellation, type CancelSignal } from './cancellation.js';
export { decodeJson, encodeJson } from './json-body.js';
export { type AnswerOnceOptions, answerOnce } from './middleware/answer-once.js';
export { type LogFailuresOptions, logFailures } from './middleware/log-failures.js';
export { type MeasureCallsOptions, measureCalls } from './middleware/measure-calls.js';
export {
  type CallerMiddleware,
  type CommonMiddleware,
  type Middleware,
  type OutgoingCall,
  type WorkerMiddleware,
  withHeaders,
  wrapCaller,
  wrapService,
} from './middleware/middleware.js';
export type {
  CallOptions,
  CallScope,
  Registration,
  Rpc,
  RpcCaller,
  RpcHeaders,
  RpcReply,
  RpcRequest,
  RpcStream,
  RpcWorker,
  ServedService,
} from './rpc.js';
export {
  DEFAULT_CONCURRENCY,
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_QUEUE_LIMIT,
  DEFAULT_TIMEOUT_MS,
  MAX_HEADER_BYTES,
  MAX_TIMEOUT_MS,
} from './rpc-limits.js';
export {
  type Handler,
  type HandlerContext,
  type Handlers,
  type ImplementationOptions,
  implementService,
} from './served-service.js';
export {
  type ClientCallOptions,
  type ClientDefaults,
  type ClientMethod,
  type ClientReply,
  type ClientStream,
  createServiceClient,
  type ServiceClient,
} from './service-client.js';
export {
  type CallerInput,
  type CallerOutput,
  type CallerPart,
  defineService,
  type HandlerInput,
  type HandlerOutput,
  type HandlerPart,
  type MethodDefinition,
  type MethodDefinitions,
  type ServiceDefinition,
} from './service-definition.js';
export type { ValidationIssue } from './validation.js';
export { TRACE_HEADER } from './wire-values.js';
