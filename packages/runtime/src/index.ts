export {
  type AdminHandlerOptions,
  createAdminHandler,
  hasBearerToken,
  type RequestHandler,
} from './admin/admin-handler.js';
export { createHealth, type Health, type HealthCheck, type HealthReport } from './admin/health.js';
export { systemClock } from './clock.js';
export { ConfigError, type ConfigMistake } from './config/config-error.js';
export { type HandedOn, handOn } from './config/hand-on.js';
export { asksForHelp, type CommandDescription, helpText } from './config/help.js';
export { nearestName } from './config/nearest-name.js';
export { type ConfigSources, readConfig } from './config/read-config.js';
export { type Config, type Setting, type SettingOptions, type Settings, setting } from './config/setting.js';
export { type DataFolder, openDataFolder } from './data-folder/data-folder.js';
export { DataFolderError } from './data-folder/data-folder-error.js';
export { ensureSecret } from './data-folder/secret.js';
export { jsonFormat, type LogFormat, type LogLevel, type LogRecord, readableFormat } from './logging/log-format.js';
export {
  type AppLogger,
  createLogger,
  createProcessLogger,
  LOG_LEVELS,
  type LoggerOptions,
  type LogStream,
  type ProcessLoggerOptions,
  wantsColour,
} from './logging/logger.js';
export { createMetrics, METRICS_CONTENT_TYPE, type MetricsRegistry } from './metrics/metrics.js';
export { recordProcessFigures } from './metrics/process-figures.js';
export type {
  Clock,
  Counter,
  Gauge,
  Histogram,
  LogFields,
  Logger,
  MetricOptions,
  Metrics,
  Random,
  Timer,
} from './ports.js';
export {
  createShutdown,
  type Shutdown,
  type ShutdownOptions,
  type ShutdownStep,
  type StoppableProcess,
} from './shutdown/shutdown.js';
export {
  type ChildExit,
  type ChildProcess,
  type ChildSpec,
  EXIT_NOT_RESTARTABLE,
  EXIT_UNAVAILABLE,
  type ProcessHandlers,
  type Readiness,
  type Spawner,
} from './supervisor/child-spec.js';
export { type LinkedProcess, linkToParent, type ParentLink } from './supervisor/parent-link.js';
export { DEFAULT_RESTART_POLICY, type RestartPolicy } from './supervisor/restart-policy.js';
export type { ChildStatus } from './supervisor/supervised-child.js';
export {
  type ArrangeStep,
  createSupervisor,
  type Supervisor,
  type SupervisorOptions,
} from './supervisor/supervisor.js';
export type { SupervisorEvent } from './supervisor/supervisor-event.js';
