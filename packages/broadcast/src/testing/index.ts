export { type BroadcastSetup, describeBroadcastContract } from './broadcast-contract.js';
export { FakeSequencer } from './fake-sequencer.js';
export { type RecordingSubscriber, subscribeRecording } from './recording-subscriber.js';
