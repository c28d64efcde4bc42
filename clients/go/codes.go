package im

// Codes of every error of the system (docs/errors.md); applications have theirs from 1000 on.
const (
	CodeCancelled           = 1
	CodeTimeout             = 2
	CodeDisconnected        = 3
	CodeClosed              = 4
	CodeConfigInvalid       = 5
	CodeQueueFull           = 6
	CodeInvalidArgument     = 7
	CodeMalformed           = 100
	CodeFrameTooLarge       = 101
	CodeUnknownCommand      = 102
	CodeHelloRequired       = 103
	CodeHelloRepeated       = 104
	CodeHelloTimeout        = 105
	CodeRateLimited         = 106
	CodeTooManyPending      = 107
	CodeDuplicateId         = 108
	CodeUnauthorized        = 200
	CodeTokenExpired        = 201
	CodeVerifierUnavailable = 202
	CodeForbidden           = 203
	CodeKicked              = 204
	CodeServiceUnknown      = 300
	CodeMethodUnknown       = 301
	CodeInvalidInput        = 302
	CodeInternal            = 303
	CodeDeadlineExceeded    = 304
	CodeOverloaded          = 305
	CodeUnavailable         = 306
	CodeInvalidOutput       = 307
	CodeCallLost            = 308
	CodeGroupInvalid        = 400
	CodeNotAMember          = 401
	CodeTooManyGroups       = 402
	CodeEffectRejected      = 403
	CodeStoreUnavailable    = 500
	CodeEpochChanged        = 501
	CodePositionAhead       = 502
	CodeBodyTooLarge        = 503
	CodeStoreFull           = 504
	CodeRecordChanged       = 505
	CodeTooManyRecords      = 506
	CodeReceiptsUnserved    = 507
	CodeReceiptUnknown      = 508
	CodeShuttingDown        = 600
	CodeEngineUnsupported   = 601
)

type registered struct {
	name      string
	retryable bool
	message   string
}

var registry = map[int]registered{
	CodeCancelled:           {"CANCELLED", false, "cancelled by the caller"},
	CodeTimeout:             {"TIMEOUT", true, "no answer in time; try again, or raise the timeout"},
	CodeDisconnected:        {"DISCONNECTED", true, "the connection was lost before the answer; whether it was carried out is unknown"},
	CodeClosed:              {"CLOSED", false, "closed; create a new one"},
	CodeConfigInvalid:       {"CONFIG_INVALID", false, "configuration is invalid; see details.mistakes"},
	CodeQueueFull:           {"QUEUE_FULL", true, "the outgoing queue is full; slow down and try again"},
	CodeInvalidArgument:     {"INVALID_ARGUMENT", false, "an argument is invalid; see details"},
	CodeMalformed:           {"MALFORMED", false, "malformed message; see docs/protocol.md"},
	CodeFrameTooLarge:       {"FRAME_TOO_LARGE", false, "frame exceeds limits.frameBytes; send smaller ones"},
	CodeUnknownCommand:      {"UNKNOWN_COMMAND", false, "unknown command"},
	CodeHelloRequired:       {"HELLO_REQUIRED", false, "send hello first"},
	CodeHelloRepeated:       {"HELLO_REPEATED", false, "hello was already sent on this connection"},
	CodeHelloTimeout:        {"HELLO_TIMEOUT", true, "no hello in time"},
	CodeRateLimited:         {"RATE_LIMITED", true, "too many commands; wait details.retryAfterMs"},
	CodeTooManyPending:      {"TOO_MANY_PENDING", true, "too many unanswered calls; await some first"},
	CodeDuplicateId:         {"DUPLICATE_ID", false, "the id belongs to an unanswered command"},
	CodeUnauthorized:        {"UNAUTHORIZED", false, "the token was refused; sign in again"},
	CodeTokenExpired:        {"TOKEN_EXPIRED", true, "the token has expired; fetch a new one"},
	CodeVerifierUnavailable: {"VERIFIER_UNAVAILABLE", true, "tokens cannot be verified now; try again later"},
	CodeForbidden:           {"FORBIDDEN", false, "not allowed"},
	CodeKicked:              {"KICKED", false, "removed by a moderator or the system"},
	CodeServiceUnknown:      {"SERVICE_UNKNOWN", false, "no such service"},
	CodeMethodUnknown:       {"METHOD_UNKNOWN", false, "the service has no such method"},
	CodeInvalidInput:        {"INVALID_INPUT", false, "the input does not fit the method; see details.issues"},
	CodeInternal:            {"INTERNAL", false, "the service failed; its log says why"},
	CodeDeadlineExceeded:    {"DEADLINE_EXCEEDED", true, "no answer within the deadline; whether it was carried out is unknown"},
	CodeOverloaded:          {"OVERLOADED", true, "the service is at its limit; try again later"},
	CodeUnavailable:         {"UNAVAILABLE", true, "no worker serves this now; try again later"},
	CodeInvalidOutput:       {"INVALID_OUTPUT", false, "the service answered something it does not declare"},
	CodeCallLost:            {"CALL_LOST", true, "the worker or broker was lost before the answer; it may have been carried out"},
	CodeGroupInvalid:        {"GROUP_INVALID", false, "not a group id; see docs/protocol.md PR-60"},
	CodeNotAMember:          {"NOT_A_MEMBER", false, "not in this group; enter it first"},
	CodeTooManyGroups:       {"TOO_MANY_GROUPS", false, "in too many groups; leave some first"},
	CodeEffectRejected:      {"EFFECT_REJECTED", false, "the effect came too late or was overtaken by a later call"},
	CodeStoreUnavailable:    {"STORE_UNAVAILABLE", true, "the store cannot be reached; try again later"},
	CodeEpochChanged:        {"EPOCH_CHANGED", false, "the log began anew; read from its start"},
	CodePositionAhead:       {"POSITION_AHEAD", false, "the position is ahead of the log"},
	CodeBodyTooLarge:        {"BODY_TOO_LARGE", false, "the body exceeds its limit; send less"},
	CodeStoreFull:           {"STORE_FULL", true, "the store has no room; the operator must free some"},
	CodeRecordChanged:       {"RECORD_CHANGED", true, "somebody else changed it meanwhile; try again"},
	CodeTooManyRecords:      {"TOO_MANY_RECORDS", false, "this owner has as many records as it may; delete some"},
	CodeReceiptsUnserved:    {"RECEIPTS_UNSERVED", false, "nobody here counts receipts of pushes"},
	CodeReceiptUnknown:      {"RECEIPT_UNKNOWN", false, "no push that asked under this id is remembered"},
	CodeShuttingDown:        {"SHUTTING_DOWN", true, "this node is stopping; use another"},
	CodeEngineUnsupported:   {"ENGINE_UNSUPPORTED", false, "the engine cannot do this; choose another"},
}
