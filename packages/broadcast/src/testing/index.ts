export { describeBroadcastContract } from './broadcast-contract.js';
export type { BroadcastSetup } from './contract/setting.js';
export { FakeSequencer } from './fake-sequencer.js';
export { type RecordingSubscriber, subscribeRecording } from './recording-subscriber.js';
